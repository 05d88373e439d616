package io.ipsentry.conformance.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.gateway.Nginx;
import io.ipsentry.conformance.kernel.Waves.Wave;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The whole of it: clients on a wire, a real nginx that knows nothing of bans, its access log,
 * {@code run}, and the kernel; and the real fail2ban with the same rule on a node of its own.
 *
 * <p>Times and counts depend on what else the machine does: they are printed. Longer with {@code
 * -Dslice.rounds=20}.
 */
@RequiresRoot
@RequiresProgram({"nginx", "ip", "ipset", "iptables-legacy", "curl", "fail2ban-server"})
final class ThinSliceIT {
  private static final int ROUNDS = Integer.getInteger("slice.rounds", 2);
  private static final int REQUESTS = 1_500;
  private static final int A_SECOND = 1_000;

  /** From when a ban is in the kernel until nginx has logged what it had received before. */
  private static final Duration IN_FLIGHT = Duration.ofSeconds(5);

  /** For so long after the first request nobody looks whether there is a ban. */
  private static final Duration NO_LOOK = Duration.ofMillis(200);

  private static final String OTHER = "203.0.113.8";
  private static final String CLIENT = "203.0.113.7";

  @TempDir private Path directory;

  private static ConditionFactory soon(String what) {
    return await(what).atMost(RunningIpSentry.PATIENCE).pollDelay(Duration.ZERO);
  }

  /** A node with nginx, and clients around it. */
  private static final class Site implements AutoCloseable {
    private final Node node = new Node();
    private final Path directory;
    private final Nginx nginx;
    private final Waves waves;

    Site(Path directory) throws IOException {
      this.directory = Files.createDirectory(directory);
      nginx =
          Nginx.start(
              node.host()::command,
              directory,
              List.of(Node.ADDRESS + ":8080"),
              """
              log_format moments '$msec $remote_addr';
              access_log %s/moments.log moments;
              keepalive_timeout 600s;
              """
                  .formatted(directory));
      waves = new Waves(node);
      for (int i = 0; i < 2 * ROUNDS; i++) {
        node.world().run("ip", "address", "add", attacker(i) + "/24", "dev", "veth0");
      }
    }

    /** The program beside nginx: the third request for {@code /.env} bans. */
    RunningIpSentry ipSentry() {
      return ipSentry(directory);
    }

    /** The same with a store of its own. */
    RunningIpSentry ipSentry(Path own) {
      return RunningIpSentry.startIn(
          node.host()::command,
          own,
          """
          sources:
            - file: %s
              format: combined
          rules:
            - name: probing
              match: { paths: ['^/\\.env'] }
              threshold: 3
              window: 10m
              ban: 1h
          trustedProxies: []
          enforcer: { interval: 5s }
          """
              .formatted(nginx.accessLog()));
    }

    /** When nginx logged an answer to this client, in milliseconds since 1970. */
    List<Long> answers(String client) throws IOException {
      List<Long> moments = new ArrayList<>();
      // The last line may be half written.
      String whole = Files.readString(directory.resolve("moments.log"));
      for (String line : whole.substring(0, whole.lastIndexOf('\n') + 1).lines().toList()) {
        String[] words = line.split(" ", -1);
        if (words[1].equals(client)) {
          moments.add(Math.round(Double.parseDouble(words[0]) * 1_000));
        }
      }
      return moments;
    }

    @Override
    public void close() {
      waves.close();
      nginx.close();
      node.close();
    }
  }

  /**
   * The first ban of each of several processes: nothing that a ban alone needs was used before by
   * anybody but the process itself.
   */
  @Test
  void prober_firstBanOfANewProcess_isDroppedByTheKernel() throws Exception {
    List<Integer> answered = new ArrayList<>();
    try (Site site = new Site(directory.resolve("site"))) {
      warmUp(site);
      for (int i = 0; i < 2 * ROUNDS; i++) {
        Path own = Files.createDirectory(directory.resolve("run" + i));
        try (RunningIpSentry _ = site.ipSentry(own)) {
          answered.add(probe("new process", site, "ip-blocker-4", attacker(i), i % 2 == 1));
        }
      }
    }
    System.out.printf("thin slice: answered until the first ban of a process: %s%n", answered);
    assertThat(answered).allMatch(count -> count < REQUESTS / 2);
  }

  private static String attacker(int number) {
    return "203.0.113." + (20 + number);
  }

  @Test
  void prober_thousandRequestsASecond_isDroppedByTheKernel() throws Exception {
    List<Integer> ours = new ArrayList<>();
    List<Integer> theirs = new ArrayList<>();
    try (Site left = new Site(directory.resolve("left"));
        Site right = new Site(directory.resolve("right"));
        RunningIpSentry _ = left.ipSentry();
        RunningFail2ban _ =
            RunningFail2ban.start(
                right.node.host(),
                Files.createDirectory(directory.resolve("f2b")),
                right.nginx.accessLog(),
                "/\\.env",
                3)) {
      warmUp(left);
      warmUp(right);
      for (int i = 0; i < 2 * ROUNDS; i++) {
        boolean isKept = i % 2 == 1;
        ours.add(probe("ip-sentry", left, "ip-blocker-4", attacker(i), isKept));
        theirs.add(probe("fail2ban", right, "f2b-probing", attacker(i), isKept));
      }
    }
    ours.sort(null);
    theirs.sort(null);
    System.out.printf(
        Locale.ROOT,
        "thin slice: requests answered to a prober, by rank: ip-sentry %s, fail2ban %s%n",
        ours,
        theirs);
    assertThat(ours.get(ROUNDS)).as("median").isLessThanOrEqualTo(theirs.get(ROUNDS));
  }

  /** What is compiled and loaded at the first requests is not what is to be seen. */
  private static void warmUp(Site site) throws Exception {
    Wave wave = Waves.result(site.waves.start(OTHER, "/", REQUESTS, A_SECOND));
    assertThat(wave.answered()).isEqualTo(REQUESTS);
    wave = Waves.result(site.waves.startKept(OTHER, "/", REQUESTS, A_SECOND));
    assertThat(wave.answered()).isEqualTo(REQUESTS);
  }

  /** Probes until long after the ban, and again; returns how many requests were answered. */
  private static int probe(String who, Site site, String set, String attacker, boolean isKept)
      throws Exception {
    CompletableFuture<Wave> other = site.waves.start(OTHER, "/", REQUESTS / 20, A_SECOND / 20);
    CompletableFuture<Wave> attack =
        isKept
            ? site.waves.startKept(attacker, "/.env", REQUESTS, A_SECOND)
            : site.waves.start(attacker, "/.env", REQUESTS, A_SECOND);

    // Not before, for each look is a program that is started.
    await("in the kernel: " + attacker)
        .atMost(RunningIpSentry.PATIENCE)
        .pollDelay(NO_LOOK)
        .until(() -> site.node.isInSet(set, attacker));
    long inKernel = System.currentTimeMillis();
    Wave wave = Waves.result(attack);
    assertThat(Waves.result(other).answered())
        .as("answers to somebody else")
        .isEqualTo(REQUESTS / 20);
    List<Long> answers = site.answers(attacker);
    assertThat(answers).hasSizeGreaterThanOrEqualTo(3);
    assertThat(answers.getLast()).isLessThanOrEqualTo(inKernel + IN_FLIGHT.toMillis());

    Wave again = Waves.result(site.waves.start(attacker, "/.env", 100, A_SECOND));
    assertThat(again.answered()).isZero();
    assertThat(site.answers(attacker)).as("nothing new in nginx's log").isEqualTo(answers);
    System.out.printf(
        Locale.ROOT,
        "thin slice: %s, connections %s: %d answered of %d sent at %.0f a second, %d of them more"
            + " than 1 ms late; the last one %d ms after the third%n",
        who,
        isKept ? "kept" : "new",
        answers.size(),
        wave.sent(),
        wave.sent() * 1e6 / wave.micros(),
        wave.late(),
        answers.getLast() - answers.get(2));
    return answers.size();
  }

  @Test
  void ban_byHand_endsConnectionsAndExpiresInTheKernel() throws Exception {
    try (Site site = new Site(directory.resolve("site"));
        RunningIpSentry program = site.ipSentry()) {
      CompletableFuture<Wave> kept = site.waves.startKept(CLIENT, "/", 100_000, 200);
      CompletableFuture<Wave> fresh = site.waves.start(attacker(0), "/", 100_000, 200);
      soon("answers")
          .until(() -> site.answers(CLIENT).size() > 20 && site.answers(attacker(0)).size() > 20);

      for (String client : List.of(CLIENT, attacker(0))) {
        assertThat(program.command("ban", client, "--for", "1h").exitCode()).isZero();
        soon("in the kernel").until(() -> site.node.isInSet("ip-blocker-4", client));
        long inKernel = System.currentTimeMillis();
        soon("silence")
            .until(() -> site.answers(client).getLast() < System.currentTimeMillis() - 1_000);
        long event = bannedAt(program, client);
        long last = site.answers(client).getLast();
        System.out.printf(
            Locale.ROOT,
            "thin slice: ban of a client with connections %s: the last answer %d ms after the"
                + " event%n",
            client.equals(CLIENT) ? "kept" : "new",
            last - event);
        assertThat(last).isLessThan(inKernel + IN_FLIGHT.toMillis());
        assertThat(site.node.isReachable(client)).isFalse();
      }
      assertThat(kept).isNotDone();
      assertThat(fresh).isNotDone();
      assertThat(site.node.isReachable(OTHER)).isTrue();

      assertThat(program.command("unban", CLIENT).exitCode()).isZero();
      soon("let in").until(() -> site.node.isReachable(CLIENT));
      assertThat(site.node.isReachable(attacker(0))).isFalse();

      assertThat(program.command("ban", CLIENT, "--for", "15s").exitCode()).isZero();
      soon("in the kernel").until(() -> site.node.isInSet("ip-blocker-4", CLIENT));
      long until = bannedAt(program, CLIENT) + 15_000;
      program.kill();
      assertThat(site.node.isReachable(CLIENT)).isFalse();
      soon("ends without anybody").until(() -> site.node.isReachable(CLIENT));
      // The kernel counts whole seconds.
      assertThat(System.currentTimeMillis()).isGreaterThan(until - 1_000);
      assertThat(site.node.isReachable(attacker(0))).as("the longer ban").isFalse();
    }
  }

  /** When the latest ban of a client was decided, in milliseconds since 1970. */
  private static long bannedAt(RunningIpSentry program, String client) {
    return program.history().stream()
        .filter(event -> "ban".equals(event.get("type")) && client.equals(event.get("ip")))
        .map(event -> Instant.parse(event.get("at")).toEpochMilli())
        .reduce((_, later) -> later)
        .orElseThrow();
  }
}
