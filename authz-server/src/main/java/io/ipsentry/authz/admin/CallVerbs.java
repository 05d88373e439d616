package io.ipsentry.authz.admin;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which verb on {@code bans} of the API group {@code ip-sentry.io} a caller needs for a call, where
 * a cluster knows who may do what. Stateless.
 */
final class CallVerbs {
  /** Of those whose word on whose behalf they call is taken: the replicas of one deployment. */
  static final String FORWARD = "forward";

  /** Takes hits. */
  static final String REPORT = "ipsentry.v1.HitService/Report";

  private static final String BANS = "ipsentry.v1.BanService/";

  private static final Map<String, String> BY_METHOD =
      Map.ofEntries(
          Map.entry(BANS + "Ban", "create"),
          Map.entry(BANS + "Unban", "delete"),
          Map.entry(BANS + "Allow", "allow"),
          Map.entry(BANS + "Disallow", "allow"),
          Map.entry(BANS + "Get", "get"),
          Map.entry(BANS + "List", "list"),
          Map.entry(BANS + "FeedPart", "list"),
          Map.entry(BANS + "History", "list"),
          Map.entry(BANS + "Watch", "watch"),
          Map.entry(BANS + "Snapshot", "watch"),
          Map.entry("ipsentry.v1.StatusService/GetStatus", "get"),
          Map.entry("ipsentry.v1.CheckService/ListChecks", "get"),
          Map.entry("ipsentry.v1.CheckService/Tell", "report"),
          Map.entry(REPORT, "report"));

  /** Services all of whose calls need the same. Channelz tells who else is connected. */
  private static final Map<String, String> BY_SERVICE =
      Map.of("grpc.reflection.v1.ServerReflection", "get", "grpc.channelz.v1.Channelz", "list");

  /** Calls that one replica makes for a caller of another. */
  private static final Set<String> FORWARDED =
      Set.of(BANS + "Ban", BANS + "Unban", BANS + "Allow", BANS + "Disallow", REPORT);

  private CallVerbs() {}

  /**
   * The verb of a call.
   *
   * @param method full name, such as {@code ipsentry.v1.BanService/Ban}
   * @return empty: nobody may make it
   */
  static Optional<String> of(String method) {
    String verb = BY_METHOD.get(method);
    if (verb == null) {
      verb = BY_SERVICE.get(method.substring(0, Math.max(0, method.indexOf('/'))));
    }
    return Optional.ofNullable(verb);
  }

  /** Whether a call may be made on somebody's behalf. */
  static boolean isForwarded(String method) {
    return FORWARDED.contains(method);
  }
}
