package io.ipsentry.config;

import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.config.EnforcerConfig.OnExit;
import io.ipsentry.config.EnforcerConfig.PortRange;
import io.ipsentry.config.EnforcerConfig.Ports;
import io.ipsentry.config.EnforcerConfig.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads how bans are enforced in the kernel. */
final class EnforcerReader {
  /** Most ports and ranges of one list. */
  static final int MAX_RANGES = 256;

  private static final Duration MIN_INTERVAL = Duration.ofSeconds(1);
  private static final Duration MAX_INTERVAL = Duration.ofHours(1);
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9-]{1,12}");
  private static final Pattern RANGE = Pattern.compile("(\\d{1,5})(?:-(\\d{1,5}))?");
  private static final String AUTO = "auto";
  private static final String PORTS_FORM = "write ports and ranges, such as [80, 443, 8000-8100]";

  private static final Map<String, Optional<Backend>> BACKENDS =
      Map.of(
          AUTO,
          Optional.empty(),
          Backend.IPSET.wireName(),
          Optional.of(Backend.IPSET),
          Backend.NFTABLES.wireName(),
          Optional.of(Backend.NFTABLES),
          Backend.IPTABLES_RULES.wireName(),
          Optional.of(Backend.IPTABLES_RULES));

  private static final Set<String> IPTABLES = Set.of("iptables", "iptables-legacy");

  private static final Map<String, Hook> HOOKS =
      Map.of(
          Hook.RAW.wireName(), Hook.RAW,
          Hook.FILTER.wireName(), Hook.FILTER,
          Hook.DOCKER_USER.wireName(), Hook.DOCKER_USER);

  private static final Map<String, Verdict> VERDICTS =
      Map.of("drop", Verdict.DROP, "reject", Verdict.REJECT);

  private static final Map<String, OnExit> ON_EXIT =
      Map.of("keep", OnExit.KEEP, "flush", OnExit.FLUSH);

  private static final Map<String, Ports> PORTS =
      Map.of("inbound", Ports.INBOUND, "all", Ports.ALL);

  private EnforcerReader() {}

  static Optional<EnforcerConfig> enforcer(Value value) {
    return value.section(Keys.ENFORCER).map(EnforcerReader::enforcer);
  }

  private static EnforcerConfig enforcer(Section section) {
    EnforcerConfig defaults = EnforcerConfig.DEFAULT;
    Hook hook = section.get("hook").flatMap(value -> value.choice(HOOKS)).orElse(defaults.hook());
    Verdict verdict =
        section.get("verdict").flatMap(value -> value.choice(VERDICTS)).orElse(defaults.verdict());
    if (verdict == Verdict.REJECT && hook == Hook.RAW) {
      section
          .get("verdict")
          .orElseThrow()
          .error(
              "is reject, but in the hook raw the kernel cannot answer a packet",
              "write hook: filter, or verdict: drop");
    }
    return new EnforcerConfig(
        section.get("name").flatMap(EnforcerReader::name).orElse(defaults.name()),
        section.get("backend").flatMap(EnforcerReader::backend).orElse(defaults.backend()),
        hook,
        section.get("ports").flatMap(EnforcerReader::ports).orElse(defaults.ports()),
        verdict,
        section
            .get("forwardedForPorts")
            .flatMap(EnforcerReader::ranges)
            .orElse(defaults.forwardedForPorts()),
        section
            .get("interval")
            .flatMap(value -> value.duration(MIN_INTERVAL, MAX_INTERVAL))
            .orElse(defaults.interval()),
        section.get("onExit").flatMap(value -> value.choice(ON_EXIT)).orElse(defaults.onExit()),
        section.get("hostBinaries").flatMap(Value::truth).orElse(defaults.hostBinaries()),
        section.get("agent").flatMap(Value::truth).orElse(defaults.agent()));
  }

  private static Optional<Optional<Backend>> backend(Value value) {
    if (value.node() instanceof YamlNode.Scalar scalar && IPTABLES.contains(scalar.text())) {
      // By its letters nftables is nearest, and by what is meant it is not.
      value.error(
          Value.unknown(scalar.text()),
          "write "
              + Backend.IPSET.wireName()
              + ", which goes with rules of iptables-legacy, or "
              + Backend.IPTABLES_RULES.wireName()
              + " for one rule a ban and 2,000 at most");
      return Optional.empty();
    }
    return value.choice(BACKENDS);
  }

  private static Optional<String> name(Value value) {
    Optional<String> name = value.text();
    if (name.isPresent() && !NAME.matcher(name.get()).matches()) {
      value.error(
          Problems.quoted(name.get()) + " cannot stand in the name of a chain and a set",
          "write 1 to 12 letters, digits or dashes");
      return Optional.empty();
    }
    return name;
  }

  private static Optional<Ports> ports(Value value) {
    if (value.node() instanceof YamlNode.Scalar scalar && !RANGE.matcher(scalar.text()).matches()) {
      Optional<String> text = value.text();
      Optional<Ports> known = text.map(PORTS::get);
      if (text.isPresent() && known.isEmpty()) {
        value.error(
            Problems.quoted(text.get()) + " is neither inbound nor all, nor a port", PORTS_FORM);
      }
      return known;
    }
    return ranges(value).map(list -> new Ports(Ports.Kind.LIST, list));
  }

  /** Ports in order, those that touch or overlap as one range; empty if one of them is none. */
  private static Optional<List<PortRange>> ranges(Value value) {
    List<Value> items = value.items();
    if (items.isEmpty()) {
      value.error("has no port, so no packet would be looked at", PORTS_FORM);
      return Optional.empty();
    }
    if (items.size() > MAX_RANGES) {
      value.error("has more than " + MAX_RANGES + " ports and ranges", "write wider ranges");
      return Optional.empty();
    }
    List<PortRange> read = items.stream().flatMap(item -> range(item).stream()).toList();
    return read.size() < items.size() ? Optional.empty() : Optional.of(joined(read));
  }

  private static Optional<PortRange> range(Value value) {
    Optional<String> text = value.text();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    Matcher range = RANGE.matcher(text.get());
    if (range.matches()) {
      int first = Integer.parseInt(range.group(1));
      int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
      if (first >= 1 && first <= last && last <= 65_535) {
        return Optional.of(new PortRange(first, last));
      }
    }
    value.error(
        Problems.quoted(text.get()) + " is no port from 1 to 65535 and no range of them",
        PORTS_FORM);
    return Optional.empty();
  }

  private static List<PortRange> joined(List<PortRange> ranges) {
    List<PortRange> joined = new ArrayList<>();
    for (PortRange range :
        ranges.stream().sorted(Comparator.comparingInt(PortRange::first)).toList()) {
      PortRange before = joined.isEmpty() ? null : joined.getLast();
      if (before != null && range.first() <= before.last() + 1) {
        joined.set(
            joined.size() - 1,
            new PortRange(before.first(), Math.max(before.last(), range.last())));
      } else {
        joined.add(range);
      }
    }
    return joined;
  }
}
