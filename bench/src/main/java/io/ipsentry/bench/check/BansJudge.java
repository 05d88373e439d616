package io.ipsentry.bench.check;

import io.ipsentry.authz.verdict.Denial;
import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.line.ClientAddress;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.RequestFacts;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;

/** Refuses who is banned: the client by {@code X-Forwarded-For}, and one lookup. */
final class BansJudge implements RequestJudge {
  private static final Judgement DENIED =
      new Judgement.Denied(
          new Denial(403, List.of(), "Forbidden\n", "1", "bench", null, "banned", ""));

  private final ActiveBans bans;
  private final InstantSource clock;
  private final ClientAddressResolver resolver;
  private final RequestFacts facts = new RequestFacts();
  private final ClientAddress client = new ClientAddress();

  BansJudge(ActiveBans bans, InstantSource clock, ClientAddressResolver.Settings settings) {
    this.bans = bans;
    this.clock = clock;
    this.resolver = new ClientAddressResolver(settings);
  }

  @Override
  public Judgement judge(GatewayRequest request, Caller caller) {
    facts.clear();
    facts.peer().set(request.peer());
    facts.forwardedFor().set(request.forwardedFor());
    if (resolver.resolve(facts, client) != ClientAddressResolver.Outcome.FOUND) {
      return Judgement.Reason.NO_ADDRESS.allowed();
    }
    return bans.isBanned(client.hi(), client.lo(), clock.millis(), null)
        ? DENIED
        : Judgement.Reason.NOT_BANNED.allowed();
  }

  @Override
  public String clientHeader(GatewayRequest request) {
    return "";
  }

  @Override
  public Set<String> clientHeaders() {
    return Set.of();
  }
}
