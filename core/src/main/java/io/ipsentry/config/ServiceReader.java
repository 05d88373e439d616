package io.ipsentry.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads the sections that say what the program keeps, where it listens, and what it may cost. */
final class ServiceReader {
  private static final String FOR_EVER = "forever";

  private final Path directory;

  /**
   * A reader.
   *
   * @param directory what relative paths start from
   */
  ServiceReader(Path directory) {
    this.directory = directory;
  }

  Optional<LimitsConfig> limits(Value value) {
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

  Optional<StoreConfig> store(Value value) {
    return value
        .section(Keys.STORE)
        .map(section -> {
          Path path =
              section
                  .get("path")
                  .flatMap(text -> path(text, directory))
                  .orElse(StoreConfig.DEFAULT.path());
          Optional<Value> keep = section.get("keepHistory");
          return new StoreConfig(
              path, keep.isEmpty() ? StoreConfig.DEFAULT.keepHistory() : keepHistory(keep.get()));
        });
  }

  /** A duration or {@code forever}, which is null. */
  private static @Nullable Duration keepHistory(Value value) {
    if (value.text().filter(FOR_EVER::equals).isPresent()) {
      return null;
    }
    return value
        .duration(StoreConfig.MIN_KEEP_HISTORY, Durations.MAX)
        .orElse(StoreConfig.DEFAULT.keepHistory());
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
  Optional<ListenAddress> metrics(Value value) {
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

  Optional<Ipv6Config> ipv6(Value value) {
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
