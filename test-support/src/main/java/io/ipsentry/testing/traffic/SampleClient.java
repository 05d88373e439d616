package io.ipsentry.testing.traffic;

import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** A client with its habits; mutable, confined to the thread of its {@link Traffic}. */
final class SampleClient {
  /** A request target that probes, with the expression of the pack {@code default} it hits. */
  private record Probe(String target, String pattern) {}

  private static final List<Probe> PROBES =
      List.of(
          new Probe("/wp-admin/", "^/wp-admin"),
          new Probe("/wp-admin/setup-config.php?step=1", "^/wp-admin"),
          new Probe("/wp-login.php", "^/wp-login\\.php"),
          new Probe("/xmlrpc.php?rsd", "^/xmlrpc\\.php"),
          new Probe("/.env", "^/\\.env"),
          new Probe("/%2e%65nv", "^/\\.env"),
          new Probe("//.env", "^/\\.env"),
          new Probe("/./.env?x=1", "^/\\.env"),
          new Probe("/.env.production", "^/\\.env"),
          new Probe("/.git/config", "^/\\.git/"),
          new Probe("/static/..%2f.git/HEAD", "^/\\.git/"),
          new Probe("/.aws/credentials", "^/\\.aws/"),
          new Probe("/.ssh/id_rsa", "^/\\.ssh/"),
          new Probe("/phpmyadmin/index.php", "^/phpmyadmin"),
          new Probe("/manager/html", "^/manager/html"),
          new Probe("/admin.php", "^/admin\\.php"),
          new Probe("/config.php", "^/config\\.php"),
          new Probe("/setup.php", "^/setup\\.php"),
          new Probe("/shell.php?cmd=id", "^/shell\\.php"),
          new Probe("/eval.php", "^/eval\\.php"),
          new Probe("/boaform/admin/formLogin", "^/boaform/"));

  private static final List<String> PAGES =
      List.of(
          "/",
          "/index.html",
          "/about?lang=de",
          "/api/v1/orders?page=2",
          "/assets/app.js",
          "/assets/logo.png",
          "/search?q=%22.env%22",
          "/search?q=\"wp-admin\"",
          "/caf\u00e9",
          "/docs/.env-explained",
          "/blog/wp-admin-tips");

  private static final List<String> USER_AGENTS =
      List.of(
          "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
          "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15",
          "curl/8.5.0",
          "quote\" backslash\\ tab\t end",
          "-");

  private static final List<Integer> PAGE_STATUSES = List.of(200, 200, 200, 200, 304, 404, 500);

  /** Pauses around the edges of windows of one and two minutes, in seconds. */
  private static final List<Integer> EDGE_PAUSES = List.of(20, 40, 59, 60, 61, 119, 120, 121);

  private enum Habit {
    VISIT,
    PROBE_IN_BURSTS,
    PROBE_STEADILY,
    COLLECT_CLIENT_ERRORS,
    PROBE_SERVED_PAGES
  }

  private final Habit habit;
  private final String network;
  private final boolean ipv6;
  private final int number;
  private int left;

  private SampleClient(Habit habit, String network, boolean ipv6, int number) {
    this.habit = habit;
    this.network = network;
    this.ipv6 = ipv6;
    this.number = number;
  }

  static SampleClient visitor(int number) {
    return number % 8 == 7
        ? new SampleClient(
            Habit.VISIT, "2001:db8:" + Integer.toHexString(0x4000 + number), true, number)
        : new SampleClient(Habit.VISIT, v4("198.18", number), false, number);
  }

  static SampleClient attacker(int number) {
    Habit habit =
        switch (number % 7) {
          case 0, 1 -> Habit.PROBE_IN_BURSTS;
          case 2, 3 -> Habit.PROBE_STEADILY;
          case 4, 5 -> Habit.COLLECT_CLIENT_ERRORS;
          default -> Habit.PROBE_SERVED_PAGES;
        };
    return switch (number % 10) {
      case 0 -> new SampleClient(habit, v4("10.7", number), false, number);
      case 1 -> new SampleClient(habit, "192.0.2." + (1 + number % 254), false, number);
      // One /48 each, so that no ban is widened over neighbours.
      case 2, 3, 4 ->
          new SampleClient(habit, "2001:db8:" + Integer.toHexString(1 + number), true, number);
      default -> new SampleClient(habit, v4("198.19", number), false, number);
    };
  }

  SampleRequest request(Instant at, Random random) {
    return switch (habit) {
      case VISIT -> page(at, random, pick(PAGE_STATUSES, random));
      case COLLECT_CLIENT_ERRORS -> page(at, random, random.nextInt(8) == 0 ? 200 : 404);
      case PROBE_IN_BURSTS, PROBE_SERVED_PAGES -> {
        int status = habit == Habit.PROBE_SERVED_PAGES ? 200 : random.nextInt(10) == 0 ? 200 : 404;
        Probe probe = pick(PROBES, random);
        yield random.nextInt(4) == 0
            ? page(at, random, 200)
            : request(at, random, probe.target(), probe.pattern(), status);
      }
      case PROBE_STEADILY -> {
        // One pattern over and over: only the number of hits can ban.
        Probe probe = PROBES.get(number % PROBES.size());
        yield request(at, random, probe.target(), probe.pattern(), 404);
      }
    };
  }

  int pauseSeconds(Random random) {
    return switch (habit) {
      case VISIT -> 1 + random.nextInt(1_200);
      case PROBE_STEADILY -> pick(EDGE_PAUSES, random);
      case COLLECT_CLIENT_ERRORS -> 1 + random.nextInt(12);
      case PROBE_IN_BURSTS, PROBE_SERVED_PAGES -> {
        if (left == 0) {
          left = 1 + random.nextInt(6);
          yield 300 + random.nextInt(3_600);
        }
        left--;
        yield random.nextInt(70);
      }
    };
  }

  private SampleRequest page(Instant at, Random random, int status) {
    return request(at, random, pick(PAGES, random), null, status);
  }

  private SampleRequest request(
      Instant at, Random random, String target, @Nullable String probe, int status) {
    String address = ipv6 ? network + "::" + (1 + random.nextInt(9)) : network;
    return new SampleRequest(
        at,
        address,
        random.nextInt(6) == 0 ? "POST" : "GET",
        "app.example",
        target,
        status,
        random.nextInt(20_000),
        pick(USER_AGENTS, random),
        probe);
  }

  private static String v4(String firstHalf, int number) {
    return firstHalf + "." + number / 250 + "." + (1 + number % 250);
  }

  private static <T> T pick(List<T> all, Random random) {
    return all.get(random.nextInt(all.size()));
  }
}
