package io.ipsentry.conformance.replay;

import io.ipsentry.testing.traffic.SampleRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Detection as DESIGN section 4 words it, with lists of hits and no cleverness: the model that the
 * product is compared with. It knows from the traffic what each request was meant to hit, and so
 * needs no expression.
 *
 * <p>Two rules: {@code probing} (3 hits or 2 different patterns in 2 minutes, 2 hours) and {@code
 * errors} (10 client errors in 1 minute, 10 minutes).
 */
final class NaiveDetection {
  /** The same two rules for the product. */
  static final String CONFIG =
      """
      rules:
        - name: probing
          match: { packs: [default] }
          ignore: { paths: ['\\.(png|jpg|ico|js|css|ttf|woff2?)$'] }
          threshold: 3
          distinct: 2
          window: 2m
          ban: { for: 2h }
        - name: errors
          match: { status: "400-499" }
          ignore: { paths: ['\\.(png|jpg|ico|js|css|ttf|woff2?)$'] }
          threshold: 10
          window: 1m
          ban: { for: 10m }
      neverBan: [192.0.2.0/24]
      """;

  /** Patterns of the pack that ordinary software serves: they count with a 4xx status only. */
  private static final Set<String> SERVED =
      Set.of(
          "^/wp-admin",
          "^/wp-login\\.php",
          "^/xmlrpc\\.php",
          "^/phpmyadmin",
          "^/manager/html",
          "^/admin\\.php",
          "^/config\\.php",
          "^/setup\\.php");

  private record Rule(String name, int threshold, int distinct, Duration window, Duration ban) {}

  private record Hit(Instant at, String pattern) {}

  private static final Rule PROBING =
      new Rule("probing", 3, 2, Duration.ofMinutes(2), Duration.ofHours(2));
  private static final Rule ERRORS =
      new Rule("errors", 10, Integer.MAX_VALUE, Duration.ofMinutes(1), Duration.ofMinutes(10));

  private final Map<String, List<Hit>> hits = new HashMap<>();
  private final Map<String, Instant> bannedUntil = new HashMap<>();
  private final List<ExpectedBan> bans = new ArrayList<>();

  static List<ExpectedBan> bans(List<SampleRequest> requests) {
    NaiveDetection detection = new NaiveDetection();
    requests.forEach(detection::judge);
    return detection.bans;
  }

  private void judge(SampleRequest request) {
    String address = counted(request.address());
    if (address.startsWith("10.") || address.startsWith("192.0.2.")) {
      return;
    }
    boolean clientError = request.status() >= 400 && request.status() <= 499;
    String probe = request.probe();
    boolean staticFile = request.target().endsWith(".png") || request.target().endsWith(".js");
    if (probe != null && !staticFile && (clientError || !SERVED.contains(probe))) {
      hit(PROBING, address, request.at(), probe);
    }
    if (clientError && !staticFile) {
      hit(ERRORS, address, request.at(), "");
    }
  }

  private void hit(Rule rule, String address, Instant at, String pattern) {
    Instant until = bannedUntil.get(address);
    if (until != null && !at.isAfter(until)) {
      return;
    }
    List<Hit> known = hits.computeIfAbsent(rule.name() + " " + address, key -> new ArrayList<>());
    known.add(new Hit(at, pattern));
    List<Hit> inWindow =
        known.stream()
            .filter(hit -> Duration.between(hit.at(), at).compareTo(rule.window()) < 0)
            .toList();
    Set<String> patterns = new HashSet<>();
    inWindow.forEach(hit -> patterns.add(hit.pattern()));
    if (inWindow.size() >= rule.threshold() || patterns.size() >= rule.distinct()) {
      Instant end = at.plus(rule.ban());
      bans.add(new ExpectedBan(address, at, end, rule.name(), inWindow.size()));
      bannedUntil.put(address, end);
      // Hits before the ban never count again, for any rule.
      hits.remove(PROBING.name() + " " + address);
      hits.remove(ERRORS.name() + " " + address);
    }
  }

  /** The /64 of an IPv6 address of the traffic, whose last four groups are {@code ::n}. */
  static String counted(String address) {
    int gap = address.indexOf("::");
    return gap < 0 ? address : address.substring(0, gap) + "::/64";
  }
}
