package io.ipsentry.watcher;

import io.ipsentry.config.Config;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.line.ClientAddress;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.Failure;
import io.ipsentry.line.LineDecoder;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.line.Slice;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleMatcher;
import io.ipsentry.rule.RuleMatcher.Outcome;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.watcher.source.LineHandler;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Says of lines how they are read and what each rule makes of them, with the code that {@code run}
 * uses. Counts no windows. Give it to a reader as the handler of a log, or single lines to {@link
 * #line(String)}. Confined to one thread.
 */
public final class Explain implements LineHandler {
  /** Lines that are kept as examples of each kind. */
  public static final int MAX_EXAMPLES = 20;

  /** Bytes of a line that are kept in an example. */
  public static final int MAX_EXAMPLE_BYTES = 512;

  /** What a line was. */
  public enum Kind {
    /** A hit for at least one rule. */
    MATCHED,
    /** A rule's paths or conditions match, but something keeps it from being a hit. */
    IGNORED,
    /** Of the format, and of no concern to any rule. */
    UNREMARKABLE,
    /** A hit, but no client address could be found. */
    WITHOUT_ADDRESS,
    /** Not of the format. */
    MISSED,
    /** Empty, or a part of a longer line. */
    EMPTY
  }

  /**
   * One line, explained.
   *
   * @param text the line, cut at {@value #MAX_EXAMPLE_BYTES} bytes
   * @param kind what it was
   * @param format that it was read as; empty when it was not
   * @param client the client address; null when there is none
   * @param seenAs provenance of the client
   * @param addressOutcome in words
   * @param time event time; null when the line has none
   * @param fields method, host, target, status, originStatus and userAgent, as far as they are
   *     there
   * @param rules what each rule makes of it
   */
  public record Line(
      String text,
      Kind kind,
      String format,
      @Nullable IpPrefix client,
      @Nullable SeenAs seenAs,
      String addressOutcome,
      @Nullable Instant time,
      Map<String, String> fields,
      List<RuleOutcome> rules) {}

  /**
   * What a rule makes of a line.
   *
   * @param pattern what matched, of a hit; else empty
   */
  public record RuleOutcome(String rule, Outcome outcome, String pattern) {}

  private final RuleSet rules;
  private final RuleMatcher matcher;
  private final LineDecoder decoder;
  private final ClientAddressResolver resolver;
  private final RequestFacts facts = new RequestFacts();
  private final ClientAddress client = new ClientAddress();
  private final Map<Kind, Long> kinds = new LinkedHashMap<>();
  private final Map<String, Map<String, Long>> patterns = new LinkedHashMap<>();
  private final Map<String, Map<Outcome, Long>> outcomes = new LinkedHashMap<>();
  private final Map<Kind, List<Line>> examples = new LinkedHashMap<>();

  /**
   * @param zone of stamps that name none
   * @param reference tells which year a stamp without one belongs to
   * @param formatChosen told which format {@code auto} recognised
   */
  public Explain(
      Config config,
      SourceConfig source,
      ZoneId zone,
      InstantSource reference,
      Consumer<String> formatChosen) {
    rules = RuleSet.compile(config.rules());
    matcher = rules.matcher(Rule.On.LOG, source.name());
    decoder =
        new PipelineFactory(zone, reference, (label, format) -> formatChosen.accept(format))
            .decoder(source, source.name());
    resolver = PipelineFactory.resolver(source);
    for (Kind kind : Kind.values()) {
      kinds.put(kind, 0L);
      examples.put(kind, new ArrayList<>());
    }
    for (Rule rule : rules.rules()) {
      patterns.put(rule.id().name(), new LinkedHashMap<>());
      outcomes.put(rule.id().name(), new LinkedHashMap<>());
    }
  }

  @Override
  public boolean line(byte[] b, int from, int to, long observedAtMillis) {
    List<RuleOutcome> ruleOutcomes = new ArrayList<>();
    Kind kind =
        switch (decoder.decode(b, from, to, facts)) {
          case FACTS -> judge(ruleOutcomes);
          case UNMATCHED -> Kind.MISSED;
          case EMPTY, PARTIAL -> Kind.EMPTY;
        };
    kinds.merge(kind, 1L, Long::sum);
    for (RuleOutcome outcome : ruleOutcomes) {
      outcomes
          .computeIfAbsent(outcome.rule(), rule -> new LinkedHashMap<>())
          .merge(outcome.outcome(), 1L, Long::sum);
      if (outcome.outcome() == Outcome.HIT) {
        patterns
            .computeIfAbsent(outcome.rule(), rule -> new LinkedHashMap<>())
            .merge(outcome.pattern(), 1L, Long::sum);
      }
    }
    List<Line> shown = examples.computeIfAbsent(kind, k -> new ArrayList<>());
    if (shown.size() < MAX_EXAMPLES) {
      shown.add(example(b, from, to, kind, ruleOutcomes));
    }
    return !decoder.hasParts();
  }

  /** Explains one line; examples of lines before it are dropped. */
  public Line line(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    examples.values().forEach(List::clear);
    line(bytes, 0, bytes.length, Long.MAX_VALUE);
    return examples.values().stream().flatMap(List::stream).findFirst().orElseThrow();
  }

  private Kind judge(List<RuleOutcome> ruleOutcomes) {
    boolean hit = false;
    boolean ignored = false;
    for (RuleMatcher.Explanation explanation : matcher.explain(facts)) {
      String rule = rules.rules().get(explanation.rule()).id().name();
      String pattern = explanation.outcome() == Outcome.HIT ? pattern(explanation.rule()) : "";
      ruleOutcomes.add(new RuleOutcome(rule, explanation.outcome(), pattern));
      switch (explanation.outcome()) {
        case HIT -> hit = true;
        case IGNORED, OWN_DENIAL, CHALLENGE, SERVED, ALLOWED_PATH -> ignored = true;
        case NO_PATH,
            OTHER_STATUS,
            OTHER_ORIGIN_STATUS,
            NO_AUTH_FAILURE,
            OTHER_METHOD,
            OTHER_HOST,
            OTHER_USER_AGENT,
            OTHER_MESSAGE -> {
          // Of no concern to this rule.
        }
      }
    }
    if (hit) {
      boolean found = resolver.resolve(facts, client) == ClientAddressResolver.Outcome.FOUND;
      return found ? Kind.MATCHED : Kind.WITHOUT_ADDRESS;
    }
    return ignored ? Kind.IGNORED : Kind.UNREMARKABLE;
  }

  private String pattern(int rule) {
    int hits = matcher.match(facts);
    for (int i = 0; i < hits; i++) {
      if (matcher.rule(i) == rule) {
        return matcher.pattern(i, facts);
      }
    }
    return "";
  }

  private Line example(byte[] b, int from, int to, Kind kind, List<RuleOutcome> ruleOutcomes) {
    String text =
        new String(b, from, Math.min(to - from, MAX_EXAMPLE_BYTES), StandardCharsets.UTF_8);
    if (kind == Kind.MISSED || kind == Kind.EMPTY) {
      return new Line(text, kind, "", null, null, "", null, Map.of(), List.of());
    }
    ClientAddressResolver.Outcome address = resolver.resolve(facts, client);
    boolean found = address == ClientAddressResolver.Outcome.FOUND;
    long time = facts.eventTimeMillis(Long.MAX_VALUE);
    return new Line(
        text,
        kind,
        decoder.format().name(),
        found ? client.toPrefix() : null,
        found ? client.seenAs() : null,
        address.text(),
        time == RequestFacts.NO_TIME ? null : Instant.ofEpochMilli(time),
        fields(),
        List.copyOf(ruleOutcomes));
  }

  private Map<String, String> fields() {
    Map<String, String> fields = new LinkedHashMap<>();
    put(fields, "method", facts.method());
    put(fields, "host", facts.host());
    put(fields, "target", facts.target());
    put(fields, "userAgent", facts.userAgent());
    if (facts.status() != 0) {
      fields.put("status", Integer.toString(facts.status()));
    }
    if (facts.originStatus() != 0) {
      fields.put("originStatus", Integer.toString(facts.originStatus()));
    }
    if (facts.authFailure()) {
      fields.put("authFailure", "true");
    }
    Failure failure = facts.failure();
    if (failure != null) {
      failure.values().entrySet().stream()
          .sorted(Map.Entry.comparingByKey())
          .forEach(value -> fields.put(value.getKey(), value.getValue()));
      fields.put(failure.isIgnored() ? "ignored" : "failure", failure.expression());
    }
    if (facts.ownDenial()) {
      fields.put("ownDenial", "true");
    }
    return fields;
  }

  private static void put(Map<String, String> fields, String name, Slice value) {
    if (value.isPresent()) {
      fields.put(name, value.toString());
    }
  }

  // ---- what was found

  /** Number of lines of each kind, all kinds. */
  public Map<Kind, Long> kinds() {
    return kinds;
  }

  /** Of each rule, the hits of each pattern. */
  public Map<String, Map<String, Long>> patterns() {
    return patterns;
  }

  /** Of each rule, the lines by what came of them. */
  public Map<String, Map<Outcome, Long>> outcomes() {
    return outcomes;
  }

  /** The first lines of each kind. */
  public Map<Kind, List<Line>> examples() {
    return examples;
  }

  /** Format of the lines; of {@code auto} what it recognised. */
  @Override
  public String format() {
    return decoder.format().name();
  }

  /** How many lines had a stamp of which form; empty where a format knows one form only. */
  public Map<String, Long> stamps() {
    return decoder.format().stamps();
  }

  /** Container wrapper of the lines; empty when there is none. */
  public String wrapper() {
    return decoder.wrapperName();
  }

  /** Lines whose forwarded list was not believed: a hint that trusted proxies are missing. */
  public long disbelieved() {
    return resolver.disbelieved();
  }
}
