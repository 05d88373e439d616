package io.ipsentry.cli;

import io.ipsentry.authz.verdict.CheckedRequest;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.net.IpPrefix;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Whether a gateway's log and what it asks ip-sentry about name the same clients.
 *
 * <p>A request that was checked is looked for among the lines by its path and time. It agrees if
 * one of those lines has its address. It disagrees if none has, and no other line either: a client
 * of whom there are lines was logged as himself, and only this request of his is not among them.
 */
final class AddressAgreement {
  /** Between a check and the stamp of its line: the length of the request, and clocks. */
  static final Duration TOLERANCE = Duration.ofSeconds(10);

  private static final String CHECK = "addresses";

  private final Map<Long, List<LoggedRequest>> byPath = new HashMap<>();
  private final Set<IpPrefix> clients = new HashSet<>();
  private final ProtectedPrefixes protection;
  private int agree;
  private int disagree;
  private Optional<Pair> example = Optional.empty();

  /** A request, as it was checked and as it was logged. */
  private record Pair(CheckedRequest checked, IpPrefix logged) {}

  private AddressAgreement(List<LoggedRequest> logged, ProtectedPrefixes protection) {
    this.protection = protection;
    for (LoggedRequest request : logged) {
      request
          .client()
          .ifPresent(client -> {
            clients.add(client);
            byPath.computeIfAbsent(request.path(), _ -> new ArrayList<>()).add(request);
          });
    }
  }

  /**
   * What was found.
   *
   * @param logged the last lines of all gateways
   * @param checked a sample of what they asked about
   * @param protection what is never banned, as clients are not
   */
  static Finding of(
      List<LoggedRequest> logged, List<CheckedRequest> checked, ProtectedPrefixes protection) {
    AddressAgreement agreement = new AddressAgreement(logged, protection);
    checked.forEach(agreement::look);
    return agreement.finding(checked.size());
  }

  private void look(CheckedRequest check) {
    List<LoggedRequest> same =
        byPath.getOrDefault(check.path(), List.of()).stream()
            .filter(line -> isNear(line.time(), check.at()))
            .toList();
    if (same.isEmpty()) {
      return;
    }
    Optional<IpPrefix> client = check.client().map(CheckedRequest.Client::address);
    if (client.isPresent() && same.stream().anyMatch(line -> line.client().equals(client))) {
      agree++;
    } else if (client.isEmpty() || !clients.contains(client.get())) {
      disagree++;
      example = Optional.of(new Pair(check, same.getFirst().client().orElseThrow()));
    }
  }

  private static boolean isNear(Optional<Instant> line, Instant check) {
    return line.map(time -> Duration.between(time, check).abs().compareTo(TOLERANCE) <= 0)
        .orElse(true);
  }

  private Finding finding(int checked) {
    if (checked == 0) {
      return Finding.ok(CHECK, "no gateway has asked about a request lately: nothing to compare");
    }
    if (example.isEmpty()) {
      return agree == 0
          ? Finding.ok(
              CHECK,
              "of "
                  + checked
                  + " requests that were checked lately none is among the lines that were read, so"
                  + " nothing was compared")
          : Finding.ok(CHECK, agree + " requests have the same client in the log and in the check");
    }
    Pair pair = example.get();
    Optional<IpPrefix> client = pair.checked().client().map(CheckedRequest.Client::address);
    String what =
        disagree
            + " of "
            + (agree + disagree)
            + " requests have another client in the check than in the log; of "
            + (pair.checked().host().isEmpty() ? "a request" : "one to " + pair.checked().host())
            + " the check saw "
            + client.map(IpPrefix::toString).orElse("no address")
            + pair.checked()
                .client()
                .map(found -> " (" + found.seenAs().wireName() + ")")
                .orElse("")
            + ", and the log has "
            + pair.logged();
    String mend = mend(client, pair.logged());
    Finding found =
        disagree > agree ? Finding.fail(CHECK, what, mend) : Finding.warn(CHECK, what, mend);
    return found.because(
        "who is banned by the log is not refused by the check, or the other way round");
  }

  private String mend(Optional<IpPrefix> checked, IpPrefix logged) {
    boolean hidesFromCheck = checked.isEmpty() || isProtected(checked.get());
    boolean hidesFromLog = isProtected(logged);
    if (hidesFromCheck && !hidesFromLog) {
      return "have the gateway tell the check its client: client of the policy (authz.policy),"
          + " trustedProxies, and the headers of the attachment; see docs/attach.md";
    }
    return hidesFromLog && !hidesFromCheck
        ? "have the gateway log its client as it tells it to the check: X-Forwarded-For behind"
            + " trustedProxies, or the PROXY protocol"
        : "take the client the same way in both: client and trustedProxies of the policy and of the"
            + " source";
  }

  private boolean isProtected(IpPrefix address) {
    return protection.protects(address).isPresent();
  }
}
