package io.ipsentry.bench.compare;

import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Facts of the machine and of the versions that are measured. */
final class Machine {
  private Machine() {}

  static List<Raw> facts() throws IOException {
    List<Raw> facts = new ArrayList<>();
    fact(
        facts,
        "processor",
        find(Files.readString(Path.of("/proc/cpuinfo")), "model name\\s*: (.*)"));
    fact(facts, "cores", Optional.of(Integer.toString(Runtime.getRuntime().availableProcessors())));
    fact(
        facts,
        "memory",
        find(Files.readString(Path.of("/proc/meminfo")), "MemTotal: +(\\d+)")
            .map(kibibytes -> Long.parseLong(kibibytes) / 1024 + " MiB"));
    fact(facts, "kernel", told("uname", "(.*)", "-sr"));
    fact(facts, "Java", Optional.of(System.getProperty("java.vm.name") + " " + Runtime.version()));
    fact(facts, "fail2ban", told("fail2ban-server", "v?([0-9.]+)", "-V"));
    fact(facts, "CrowdSec", told("crowdsec", "version: (\\S+)", "-version"));
    fact(
        facts,
        "CrowdSec's bouncer",
        told("dpkg-query", "(\\S+)", "-W", "-f", "${Version}", "crowdsec-firewall-bouncer"));
    fact(facts, "nginx", told("nginx", "nginx/(\\S+)", "-v"));
    fact(facts, "grep", told("grep", "(\\d[0-9.]+)", "--version"));
    fact(facts, "ipset", told("ipset", "v([0-9.]+)", "version"));
    fact(facts, "nft", told("nft", "v([0-9.]+)", "--version"));
    return facts;
  }

  /** When the build of ip-sentry was made that is started; empty: it is not started from one. */
  static Optional<String> build(Path root) throws IOException {
    // Its name holds the moment of the build.
    Path generation = root.resolve(".run/current");
    return Files.exists(generation)
        ? find(Files.readString(generation), "app\\.(\\d+)")
        : Optional.empty();
  }

  /** The commit that is checked out. */
  static Optional<String> checkout(Path root) {
    return told("git", "(\\w+)", "-C", root.toString(), "rev-parse", "--short=12", "HEAD");
  }

  /** Load over the last minute. */
  static String load() throws IOException {
    return Files.readString(Path.of("/proc/loadavg")).split(" ")[0];
  }

  private static void fact(List<Raw> facts, String name, Optional<String> value) {
    facts.add(new Raw.Fact(name, value.orElse("not installed, or its version is not known")));
  }

  private static Optional<String> told(String program, String pattern, String... arguments) {
    Optional<Path> path = Programs.find(program);
    if (path.isEmpty()) {
      return Optional.empty();
    }
    List<String> command = new ArrayList<>(List.of(path.get().toString()));
    command.addAll(List.of(arguments));
    try {
      return find(Programs.run(command), pattern);
    } catch (IllegalStateException e) {
      // A program that does not tell its version with this option.
      return find(String.valueOf(e.getMessage()), pattern);
    }
  }

  private static Optional<String> find(String text, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    return matcher.find() ? Optional.of(matcher.group(1).strip()) : Optional.empty();
  }
}
