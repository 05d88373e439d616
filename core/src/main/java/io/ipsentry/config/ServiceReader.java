package io.ipsentry.config;

import java.nio.file.Path;
import java.util.Optional;

/** Reads the sections that say where the program listens, and what it may cost. */
final class ServiceReader {
  private ServiceReader() {}

  static Optional<LimitsConfig> limits(Value value) {
    return value
        .section(Keys.LIMITS)
        .map(section -> {
          LimitsConfig defaults = LimitsConfig.DEFAULT;
          Optional<Value> bans = section.get("maxNewBansPerMinute");
          int maxNewBans =
              bans.isEmpty()
                  ? defaults.maxNewBansPerMinute()
                  : bans.get().integer(1, 1_000_000).orElse(defaults.maxNewBansPerMinute());
          return new LimitsConfig(
              maxNewBans,
              section
                  .get("trackedAddressesBytes")
                  .flatMap(ServiceReader::trackedBytes)
                  .orElse(defaults.trackedAddressesBytes()));
        });
  }

  private static Optional<Long> trackedBytes(Value value) {
    Optional<String> text = value.text();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    Optional<Long> bytes = Durations.parseBytes(text.get());
    if (bytes.isEmpty()) {
      value.error(
          Problems.quoted(text.get()) + " is not a size", "write KiB, MiB or GiB, such as 64MiB");
    } else if (bytes.get() < LimitsConfig.MIN_TRACKED_BYTES
        || bytes.get() > LimitsConfig.MAX_TRACKED_BYTES) {
      value.error(text.get() + " is out of range", "write 1MiB to 64GiB");
      return Optional.empty();
    }
    return bytes;
  }

  /** The path of a file; a relative one starts from {@code directory}. */
  static Optional<Path> path(Value value, Path directory) {
    return value
        .text()
        .flatMap(text -> {
          if (text.indexOf('\0') >= 0 || text.endsWith("/")) {
            value.error(Problems.quoted(text) + " names no file", "write the path of a file");
            return Optional.empty();
          }
          return Optional.of(directory.resolve(text).normalize());
        });
  }

  /** Where metrics are served; empty when they were switched off. */
  static Optional<ListenAddress> metrics(Value value) {
    Optional<Value> listen = value.section(Keys.METRICS).flatMap(section -> section.get("listen"));
    if (listen.isEmpty()) {
      return Optional.of(ListenAddress.DEFAULT_METRICS);
    }
    boolean off =
        listen.get().node() instanceof YamlNode.Scalar scalar && scalar.text().equals("off");
    return off
        ? Optional.empty()
        : ListenReader.read(listen.get(), ListenAddress.DEFAULT_METRICS.port());
  }

  static Optional<Ipv6Config> ipv6(Value value) {
    return value.section(Keys.IPV6).map(ServiceReader::ipv6);
  }

  private static Ipv6Config ipv6(Section section) {
    Ipv6Config defaults = Ipv6Config.DEFAULT;
    Optional<Value> count = section.get("countPrefix");
    int countPrefix =
        count.isEmpty()
            ? defaults.countPrefix()
            : count.get().integer(Ipv6Config.MIN_PREFIX, 128).orElse(defaults.countPrefix());
    Optional<Value> ban = section.get("banPrefix");
    int wanted = Math.min(defaults.banPrefix(), countPrefix);
    int banPrefix =
        ban.isEmpty() ? wanted : ban.get().integer(Ipv6Config.MIN_PREFIX, 128).orElse(wanted);
    if (banPrefix > countPrefix) {
      ban.orElseThrow()
          .error(
              banPrefix
                  + " is longer than countPrefix, so most of what was counted would not be banned",
              "write at most " + countPrefix);
      banPrefix = countPrefix;
    }
    boolean widen = section.get("widen").flatMap(Value::truth).orElse(defaults.widen());
    return new Ipv6Config(countPrefix, banPrefix, widen);
  }
}
