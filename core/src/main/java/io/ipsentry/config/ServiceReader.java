package io.ipsentry.config;

import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.rule.Rule;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads the sections that say what the program keeps, where it listens, and what it may cost. */
final class ServiceReader {
  private static final String ADDRESS_FORM = "write 127.0.0.1:9003, [::1]:9003 or :9003";

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
        .flatMap(section -> section.get("path"))
        .flatMap(this::path)
        .map(StoreConfig::new);
  }

  Optional<AdminConfig> admin(Value value) {
    Optional<Value> socket = value.section(Keys.ADMIN).flatMap(section -> section.get("socket"));
    Optional<Path> path = socket.flatMap(this::path);
    int length =
        path.map(known -> known.toString().getBytes(StandardCharsets.UTF_8).length).orElse(0);
    if (length > AdminConfig.MAX_SOCKET_PATH_BYTES) {
      socket
          .orElseThrow()
          .error(
              "is longer than the " + AdminConfig.MAX_SOCKET_PATH_BYTES + " bytes of a socket path",
              "write a shorter path");
      return Optional.empty();
    }
    return path.map(
        known -> new AdminConfig(known, Optional.empty(), Optional.empty(), List.of(), false));
  }

  private Optional<Path> path(Value value) {
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
    return off ? Optional.empty() : listen(listen.get());
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

  Optional<AuthzConfig> authz(Value value) {
    return value
        .section(Keys.AUTHZ)
        .map(section -> {
          value.warn(
              "is checked, but this version does not start it",
              "leave it for the next version, or remove it");
          return new AuthzConfig(
              section.get("listen").flatMap(ServiceReader::listen),
              section.get("http").flatMap(ServiceReader::listen),
              Optional.empty(),
              true,
              AuthzConfig.DEFAULT_MAX_CONCURRENT_CHECKS,
              AuthzConfig.DEFAULT_DENIALS_LOGGED_PER_SECOND,
              List.of(),
              new PolicyConfig(
                  "",
                  ClientConfig.AUTO,
                  "",
                  TrustedProxies.DEFAULT,
                  null,
                  Rule.Mode.ENFORCE,
                  false,
                  Optional.empty(),
                  DenialConfig.DEFAULT),
              Map.of());
        });
  }

  private static Optional<ListenAddress> listen(Value value) {
    Optional<String> text = value.text();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    int colon = text.get().lastIndexOf(':');
    String host = colon < 0 ? text.get() : text.get().substring(0, colon);
    String port = text.get().substring(colon + 1);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    String address = bracketed ? host.substring(1, host.length() - 1) : host;
    if (colon < 0 || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65_535) {
      value.error(Problems.quoted(text.get()) + " has no port from 0 to 65535", ADDRESS_FORM);
      return Optional.empty();
    }
    if (!isHost(address, bracketed)) {
      value.error(
          Problems.quoted(host) + " is not an address of this host; names are not looked up",
          ADDRESS_FORM);
      return Optional.empty();
    }
    return Optional.of(new ListenAddress(address, Integer.parseInt(port)));
  }

  private static boolean isHost(String host, boolean bracketed) {
    if (!bracketed && (host.isEmpty() || host.equals("localhost"))) {
      return true;
    }
    try {
      // An IPv6 address without brackets may have swallowed its last group as the port.
      return IpPrefix.parse(host).isAddress() && bracketed == host.contains(":");
    } catch (InvalidAddressException e) {
      return false;
    }
  }
}
