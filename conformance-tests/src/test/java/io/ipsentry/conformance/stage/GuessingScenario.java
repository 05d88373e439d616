package io.ipsentry.conformance.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.stage.Addresses;
import io.ipsentry.stage.Answer;
import io.ipsentry.stage.LoggedLine;
import io.ipsentry.stage.Stage;
import io.ipsentry.stage.StageNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/**
 * Those who guess passwords, fast and slowly; who walks through a network of IPv6; and who forges
 * the address that he comes from to have others banned.
 */
final class GuessingScenario {
  /** Of the rule {@code logins}. */
  static final int THRESHOLD = 5;

  static final Duration WINDOW = Duration.ofSeconds(6);

  private static final Duration SOON = Duration.ofSeconds(90);
  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final int WALKED = 40;

  /** Of one who is not dropped before. */
  private static final int MAX_REQUESTS = 300;

  /** Five guesses of such a pause take 5.6 s, and 6.4 s. */
  private static final Duration BELOW = Duration.ofMillis(1_400);

  private static final Duration ABOVE = Duration.ofMillis(1_600);

  private final Stage stage;
  private final Attackers attackers;
  private final StageReport report = new StageReport("guessing");

  GuessingScenario(Stage stage, Attackers attackers) {
    this.stage = stage;
    this.attackers = attackers;
  }

  void run() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Queue<LoggedLine> guesses = new ConcurrentLinkedQueue<>();
      stage.onLine(line -> {
        if (line.container().equals("shop")) {
          guesses.add(line);
        }
      });
      Slow below = new Slow(attackers.nextUndecided(), BELOW, THRESHOLD);
      Slow above = new Slow(attackers.nextUndecided(), ABOVE, 2 * THRESHOLD);
      Future<?> first = threads.submit(() -> guess(below));
      Future<?> second = threads.submit(() -> guess(above));
      fast(false);
      fast(true);
      walk();
      forge();
      assertThat(first.get()).isNull();
      assertThat(second.get()).isNull();
      judge(below, guesses);
      judge(above, guesses);
    }
    report.write();
  }

  private StageNode node(int number) {
    return stage.nodes().get(number % stage.nodes().size());
  }

  private Optional<Integer> get(String from, int node, String target, Map<String, String> headers) {
    return stage.outside().get(from, node(node), target, headers, PATIENCE).map(Answer::status);
  }

  private List<BanEvent.Ban> bans(String element) {
    return stage.log().stream()
        .map(SequencedEvent::event)
        .filter(BanEvent.Ban.class::isInstance)
        .map(BanEvent.Ban.class::cast)
        .filter(ban -> ban.ip().toString().equals(element))
        .toList();
  }

  private BanEvent.Ban awaitBan(String element) {
    return await("ban of " + element)
        .atMost(SOON)
        .until(() -> bans(element), found -> !found.isEmpty())
        .getFirst();
  }

  private void awaitDropped(String address) {
    for (StageNode node : stage.nodes()) {
      await(address + " at " + node.name()).atMost(SOON).until(() -> node.drops(address));
    }
  }

  // ---- guessing

  private void fast(boolean isSix) {
    String guesser = attackers.next(isSix);
    int answered = 0;
    // At all nodes by turns: the leader counts them together.
    for (int i = 0; i < MAX_REQUESTS && !node(0).drops(guesser); i++) {
      answered += get(guesser, i, "/login", Map.of()).orElse(0) == 401 ? 1 : 0;
    }
    BanEvent.Ban ban = awaitBan(Attackers.banned(guesser));
    assertThat(ban.rule()).isEqualTo("logins");
    assertThat(ban.hits()).isEqualTo(THRESHOLD);
    awaitDropped(guesser);
    report.put("guessesAnswered" + (isSix ? "6" : "4"), answered);
    System.out.printf(
        "stage: guessing without a pause, IPv%s: %d guesses answered, %d is the threshold%n",
        isSix ? "6" : "4", answered, THRESHOLD);
  }

  /** Who guesses now and then. */
  private record Slow(String address, Duration pause, int times) {}

  private void guess(Slow slow) {
    long begun = System.nanoTime();
    for (int i = 0; i < slow.times(); i++) {
      long due = begun + i * slow.pause().toNanos();
      for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
        LockSupport.parkNanos(left);
      }
      Optional<Integer> ignored = get(slow.address(), i, "/login", Map.of());
    }
  }

  /** By the stamps that the lines got, whatever kept the guesses waiting. */
  private void judge(Slow slow, Queue<LoggedLine> guesses) {
    List<Instant> stamps =
        guesses.stream()
            .filter(line -> line.line().contains("ip=" + slow.address() + " "))
            .map(LoggedLine::stamp)
            .sorted()
            .toList();
    assertThat(stamps).hasSizeGreaterThanOrEqualTo(THRESHOLD);
    boolean expected =
        IntStream.range(0, stamps.size() - THRESHOLD + 1)
            .mapToObj(i -> Duration.between(stamps.get(i), stamps.get(i + THRESHOLD - 1)))
            .anyMatch(span -> span.compareTo(WINDOW) < 0);
    if (expected) {
      attackers.isToBeBanned(slow.address());
      assertThat(awaitBan(slow.address()).hits()).isEqualTo(THRESHOLD);
    } else {
      assertThat(bans(slow.address())).isEmpty();
      assertThat(get(slow.address(), 0, "/", Map.of())).hasValue(200);
    }
    System.out.printf(
        "stage: a guess each %d ms, %d within %d ms are too many: %d guesses, %s%n",
        slow.pause().toMillis(),
        THRESHOLD,
        WINDOW.toMillis(),
        stamps.size(),
        expected ? "banned" : "not banned");
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("pauseMillis", slow.pause().toMillis());
    row.put("windowMillis", WINDOW.toMillis());
    row.put("guesses", stamps.size());
    row.put("banned", expected);
    report.put("slow" + slow.pause().toMillis(), row);
  }

  // ---- a network of IPv6

  private void walk() throws Exception {
    String first = attackers.next(true);
    String network = first.substring(0, first.indexOf("::"));
    List<String> all =
        IntStream.rangeClosed(1, WALKED)
            .mapToObj(i -> network + "::" + Integer.toHexString(0x100 * i))
            .toList();
    var wave = stage.outside().attack(all, node(0), "/.git/HEAD", WALKED, 200);
    BanEvent.Ban ban = awaitBan(Attackers.banned(first));
    assertThat(ban.hits()).isEqualTo(3);
    awaitDropped(network + "::abcd");
    // The next network is somebody else's.
    assertThat(get(network + ":1::1", 0, "/", Map.of())).hasValue(200);
    assertThat(bans(Attackers.banned(first))).hasSize(1);
    System.out.printf(
        "stage: a walk through a /64, a request an address at 200/s: %d of %d passed, one ban, of"
            + " the /64%n",
        wave.get().passed(), WALKED);
    report.put("walkPassed", wave.get().passed());
  }

  // ---- forged addresses

  /** Whom somebody would like to see banned. */
  private List<String> victims() {
    List<String> victims = new ArrayList<>();
    victims.add(Addresses.client(9));
    victims.add(Addresses.client6(9));
    victims.add(Addresses.MONITOR);
    victims.add(Addresses.MONITOR6);
    victims.add(Addresses.CRAWLER);
    for (StageNode node : stage.nodes()) {
      victims.add(node.address());
      victims.add(node.address6());
    }
    victims.addAll(List.of("10.244.0.10", "10.0.0.11", "10.96.0.1", "127.0.0.1", "::1"));
    return victims;
  }

  /** What he writes for a victim. */
  private static List<Map<String, String>> forgeries(String victim) {
    String quoted = victim.contains(":") ? "\"[" + victim + "]\"" : victim;
    return List.of(
        Map.of("X-Forwarded-For", victim),
        Map.of("X-Forwarded-For", victim + ", 10.244.0.10"),
        Map.of("X-Forwarded-For", "10.244.0.10, " + victim + ", 127.0.0.1, 10.244.1.10"),
        Map.of("X-Forwarded-For", (victim + ", ").repeat(40) + victim),
        Map.of(
            "X-Real-IP", victim,
            "Forwarded", "for=" + quoted,
            "True-Client-IP", victim,
            "CF-Connecting-IP", victim,
            "X-Client-IP", victim,
            "X-Forwarded-For", victim));
  }

  /** Each way to probe that leads to a ban: by log, by request, by the application's line. */
  private static final List<String> PROBES = List.of("/.git/config", "/.env", "/login");

  private void forge() {
    int forged = 0;
    List<String> forgers = new ArrayList<>();
    for (String victim : victims()) {
      String forger = attackers.next(victim.contains(":"));
      forgers.add(forger);
      List<Map<String, String>> forgeries = forgeries(victim);
      String probe = PROBES.get(forgers.size() % PROBES.size());
      for (int i = 0; i < MAX_REQUESTS && !node(0).drops(forger); i++) {
        Map<String, String> forgery = forgeries.get((i + forgers.size()) % forgeries.size());
        Optional<Integer> ignored = get(forger, forgers.size(), probe, forgery);
        forged++;
      }
    }
    // Whoever forged is banned for what he did,
    forgers.forEach(this::awaitDropped);
    // and whoever he named is not, anywhere.
    for (String victim : victims()) {
      assertThat(bans(Attackers.banned(victim))).as(victim).isEmpty();
      for (StageNode node : stage.nodes()) {
        assertThat(node.drops(victim)).as("%s at %s", victim, node.name()).isFalse();
      }
    }
    for (String victim : victims().subList(0, 5)) {
      for (int i = 0; i < stage.nodes().size(); i++) {
        assertThat(get(victim, i, "/", Map.of())).as(victim).hasValue(200);
      }
    }
    System.out.printf(
        "stage: %d requests of %d attackers with forged addresses: all of them banned, none of %d"
            + " whom they named%n",
        forged, forgers.size(), victims().size());
    report.put("forgedRequests", forged);
    report.put("forgers", forgers.size());
  }
}
