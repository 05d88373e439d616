package io.ipsentry.stage;

import java.nio.file.Path;
import java.time.Duration;

/**
 * What a stage is like.
 *
 * @param directory empty; everything is written below it; short, for there are Unix sockets in it
 * @param nodes 1 to 9
 * @param watchers 1 to 9, on the nodes by turns, from the first on
 * @param authzServers the same
 * @param rules YAML that all processes have: {@code rules}, {@code limits}, {@code allow}, but no
 *     {@code neverBan}, which names the monitor
 * @param lease how long a watcher that was not heard of keeps the lead
 * @param enforcer YAML within braces, of the section {@code enforcer}
 * @param gatewayPatience how long a gateway waits for an authz-server before it lets a client pass
 */
public record StageOptions(
    Path directory,
    int nodes,
    int watchers,
    int authzServers,
    String rules,
    Duration lease,
    String enforcer,
    Duration gatewayPatience) {
  /** A start, or an end, of a part takes no longer, though all start at the same time. */
  public static final Duration PATIENCE = Duration.ofMinutes(4);

  private static final int MAX_PARTS = 9;

  /**
   * The rules of {@link #defaults}: {@code probing} by the log for what begins with {@code /.git},
   * {@code inline} by request for {@code /.env}, three each, and {@code logins} for five failed
   * logins at the application, within ten minutes each. Bans outlast every test.
   */
  public static final String RULES =
      """
      rules:
        - name: probing
          match: { sources: [gateway], paths: ['^/\\.git'] }
          threshold: 3
          window: 10m
          ban: 4h
        - name: inline
          on: request
          match: { paths: ['^/\\.env'] }
          threshold: 3
          window: 10m
          ban: 4h
        - name: logins
          match: { sources: [shop], authFailures: true }
          threshold: 5
          window: 10m
          ban: 4h
      limits: { maxNewBansPerMinute: 100000 }
      """;

  /** Checks the numbers. */
  public StageOptions {
    require("nodes", nodes);
    require("watchers", watchers);
    require("authzServers", authzServers);
  }

  private static void require(String name, int number) {
    if (number < 1 || number > MAX_PARTS) {
      throw new IllegalArgumentException(name + ": " + number + " is not between 1 and 9");
    }
  }

  /** Three nodes, two watchers, two authz-servers, {@link #RULES}. */
  public static StageOptions defaults(Path directory) {
    return new StageOptions(
        directory, 3, 2, 2, RULES, Duration.ofSeconds(3), "interval: 5s", Duration.ofSeconds(5));
  }

  /** The same with other rules. */
  public StageOptions withRules(String yaml) {
    return new StageOptions(
        directory, nodes, watchers, authzServers, yaml, lease, enforcer, gatewayPatience);
  }

  /** The same with another length of the lead. */
  public StageOptions withLease(Duration length) {
    return new StageOptions(
        directory, nodes, watchers, authzServers, rules, length, enforcer, gatewayPatience);
  }

  /** The same with gateways that wait for so long. */
  public StageOptions withGatewayPatience(Duration patience) {
    return new StageOptions(
        directory, nodes, watchers, authzServers, rules, lease, enforcer, patience);
  }
}
