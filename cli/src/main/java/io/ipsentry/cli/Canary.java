package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanOutcome;
import io.ipsentry.enforcer.kernel.PacketFilter.ElementVisitor;
import io.ipsentry.enforcer.kernel.PacketFilterException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.proto.v1.EnforcerStatus;
import io.ipsentry.proto.v1.GetStatusResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Follows one ban from end to end: bans an address of the documentation (RFC 5737) that nobody has,
 * looks for it in the log, at the enforcer and in the kernel, and takes it back. A canary that is
 * left behind ends by itself after a minute.
 */
final class Canary {
  static final IpPrefix ADDRESS = IpPrefix.parse("192.0.2.254");
  static final Duration LENGTH = Duration.ofMinutes(1);

  /** How long the enforcer gets for each way. */
  static final Duration PATIENCE = Duration.ofSeconds(5);

  private static final long POLL_MILLIS = 20;
  private static final String CHECK = "canary";

  private final AdminEndpoint endpoint;
  private final Consumer<ElementVisitor> kernel;
  private final Duration patience;
  private final Shell shell;
  private final List<Finding> findings = new ArrayList<>();

  /**
   * @param endpoint of the instance
   * @param kernel shows what the kernel of this host has, where the instance is on it
   * @param patience how long the enforcer gets for each way
   */
  Canary(AdminEndpoint endpoint, Consumer<ElementVisitor> kernel, Duration patience, Shell shell) {
    this.endpoint = endpoint;
    this.kernel = kernel;
    this.patience = patience;
    this.shell = shell;
  }

  /** Does it, and tells each step. */
  List<Finding> fly() {
    try (AdminClient client = new AdminClient(endpoint)) {
      BanOperations operations = new GrpcBanOperations(client);
      long began = System.nanoTime();
      switch (operations.ban(ADDRESS, LENGTH, "doctor --canary", shell.author())) {
        case BanOutcome.Banned(var ban, _) -> {
          ok("the log has the ban of " + ADDRESS + " as event " + ban.seq(), began);
          try {
            arrives(client, ban.seq(), began);
          } finally {
            var ignored = operations.unban(ADDRESS, "doctor --canary", shell.author());
          }
          leaves(client);
        }
        case BanOutcome.AlreadyBanned _ ->
            findings.add(
                Finding.warn(
                    CHECK,
                    ADDRESS + " is banned already",
                    "wait a minute, or unban it, and try again"));
        case BanOutcome.Refused(var refusal) ->
            findings.add(
                Finding.fail(
                    CHECK,
                    ADDRESS + " cannot be banned: " + refusal.description(),
                    "take documentation addresses out of what is never banned"));
      }
    } catch (BanLogException e) {
      findings.add(Finding.fail(CHECK, String.valueOf(e.getMessage()), "see the message"));
    }
    return findings;
  }

  private void arrives(AdminClient client, long seq, long began) {
    GetStatusResponse status = client.status();
    if (!status.hasEnforcer()) {
      findings.add(
          Finding.warn(
              CHECK,
              "this instance enforces nothing in the kernel itself",
              "write enforcer: {}; or look at ip_sentry_enforcer_log_head of the ip-sentry"
                  + " enforcers that follow it: "
                  + seq
                  + " or more means that they have it"));
      return;
    }
    if (!await(() -> client.status().getEnforcer().getHead() >= seq)) {
      EnforcerStatus enforcer = client.status().getEnforcer();
      findings.add(
          Finding.fail(
              CHECK,
              "the enforcer has not applied event "
                  + seq
                  + ", but only up to "
                  + enforcer.getHead(),
              enforcer.getFailure().isEmpty() ? "look at its log" : enforcer.getFailure()));
      return;
    }
    ok("the enforcer has applied it", began);
    kernel(began);
  }

  private void kernel(long began) {
    if (!(endpoint instanceof AdminEndpoint.Socket)) {
      findings.add(
          Finding.warn(
              CHECK,
              "the kernel of another host cannot be looked at from here",
              "run doctor --canary on that host"));
      return;
    }
    try {
      if (isInKernel()) {
        ok("the kernel has it", began);
      } else {
        findings.add(
            Finding.fail(
                CHECK,
                "the kernel that is seen from here does not have it",
                "run doctor in the network namespace of the instance, with its configuration"));
      }
    } catch (PacketFilterException e) {
      findings.add(
          Finding.warn(
              CHECK,
              "the kernel cannot be looked at: " + e.getMessage(),
              "run doctor as root, in the network namespace of the instance"));
    }
  }

  private boolean isInKernel() {
    boolean[] found = {false};
    kernel.accept((ip, untilMillis) -> found[0] |= ip.equals(ADDRESS));
    return found[0];
  }

  private void leaves(AdminClient client) {
    GetStatusResponse status = client.status();
    long head = status.getLog().getHead();
    if (status.hasEnforcer() && !await(() -> client.status().getEnforcer().getHead() >= head)) {
      findings.add(
          Finding.fail(CHECK, "the enforcer has not taken it back", "it ends within a minute"));
      return;
    }
    findings.add(Finding.ok(CHECK, "it was taken back"));
  }

  private void ok(String what, long began) {
    findings.add(
        Finding.ok(CHECK, what + ", after " + (System.nanoTime() - began) / 1_000_000 + " ms"));
  }

  private boolean await(BooleanSupplier condition) {
    long until = System.nanoTime() + patience.toNanos();
    try {
      while (!condition.getAsBoolean()) {
        if (System.nanoTime() - until > 0) {
          return false;
        }
        Thread.sleep(POLL_MILLIS);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
