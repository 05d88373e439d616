package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanOutcome;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Pod;
import io.ipsentry.kubernetes.checkup.ClusterLook;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Follows one ban through a cluster: bans the address of {@link Canary}, and looks how far the
 * enforcers come, by the metrics of their pods. Then it takes it back.
 */
final class ClusterCanary {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final long POLL_MILLIS = 200;
  private static final String CHECK = "canary";

  private final AdminEndpoint endpoint;
  private final ClusterLook look;
  private final List<Pod> enforcers;
  private final Shell shell;
  private final List<Finding> findings = new ArrayList<>();

  /**
   * @param endpoint of a watcher
   * @param pods of the release
   */
  ClusterCanary(AdminEndpoint endpoint, ClusterLook look, List<Pod> pods, Shell shell) {
    this.endpoint = endpoint;
    this.look = look;
    this.shell = shell;
    enforcers =
        pods.stream().filter(pod -> pod.component().equals("enforcer") && pod.ready()).toList();
  }

  /** Does it, and tells each step. */
  List<Finding> fly() {
    try (AdminClient client = new AdminClient(endpoint)) {
      BanOperations operations = new GrpcBanOperations(client);
      long began = System.nanoTime();
      String by = shell.author();
      switch (operations.ban(Canary.ADDRESS, Canary.LENGTH, "doctor --canary", by)) {
        case BanOutcome.Banned(var ban, _) -> {
          ok("the log has the ban of " + Canary.ADDRESS + " as event " + ban.seq(), began);
          try {
            arrives(ban.seq(), began);
          } finally {
            var ignored = operations.unban(Canary.ADDRESS, "doctor --canary", by);
          }
          findings.add(Finding.ok(CHECK, "it was taken back"));
        }
        case BanOutcome.AlreadyBanned _ ->
            findings.add(
                Finding.warn(
                    CHECK,
                    Canary.ADDRESS + " is banned already",
                    "wait a minute, or unban it, and try again"));
        case BanOutcome.Refused(var refusal) ->
            findings.add(
                Finding.fail(
                    CHECK,
                    Canary.ADDRESS + " cannot be banned: " + refusal.description(),
                    "take documentation addresses out of what is never banned"));
      }
    } catch (BanLogException e) {
      findings.add(Finding.fail(CHECK, String.valueOf(e.getMessage()), "see the message"));
    }
    return findings;
  }

  private void arrives(long seq, long began) {
    if (enforcers.isEmpty()) {
      findings.add(
          Finding.warn(
              CHECK, "no enforcer is ready, so no kernel has it", "see the finding on enforcers"));
      return;
    }
    List<Pod> waiting = new ArrayList<>(enforcers);
    long until = System.nanoTime() + PATIENCE.toNanos();
    try {
      while (true) {
        waiting.removeIf(pod -> head(pod) >= seq);
        if (waiting.isEmpty() || System.nanoTime() - until > 0) {
          break;
        }
        Thread.sleep(POLL_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (waiting.isEmpty()) {
      ok("all " + enforcers.size() + " enforcers have it in the kernels of their nodes", began);
    } else {
      String names = String.join(", ", waiting.stream().map(Pod::name).toList());
      findings.add(
          Finding.fail(
                  CHECK,
                  names + " did not apply it within " + PATIENCE.toSeconds() + " s",
                  "kubectl logs of them; see their findings")
              .because("packets of banned clients pass on their nodes"));
    }
  }

  private double head(Pod pod) {
    return look.metrics(pod)
        .told()
        .map(text -> new MetricsText(text).value("ip_sentry_enforcer_log_head"))
        .orElse(-1.0);
  }

  private void ok(String what, long began) {
    findings.add(
        Finding.ok(CHECK, what + ", after " + (System.nanoTime() - began) / 1_000_000 + " ms"));
  }
}
