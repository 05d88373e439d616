package io.ipsentry.authz.verdict;

import io.ipsentry.authz.transport.ThreadCounts;
import io.ipsentry.ban.ActiveBan;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.FeedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.detection.HitReceiver;
import io.ipsentry.line.ClientAddress;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.line.Slice;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleMatcher;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Judges requests by the policies in force, the bans in memory and the inline rules.
 *
 * <p>A request that nothing speaks against allocates nothing. Policies and the never-ban set are
 * asked for anew at every request, so that a reload is in force with the next one. Each transport
 * thread makes its own with {@link Parts#judge}; confined to it.
 */
public final class PolicyJudge implements RequestJudge {
  private static final Logger logger = LoggerFactory.getLogger(PolicyJudge.class);
  private static final Judgement NOT_SYNCED = new Judgement.Unavailable("not-synced");
  private static final Judgement ERROR = new Judgement.Unavailable("error");

  /**
   * Whoever is banned or allowed at some time is so at this one. Nearly nobody is, and for them the
   * clock, which costs as much as a lookup, need not be asked.
   */
  private static final long BEFORE_ALL = Long.MIN_VALUE;

  private final Parts parts;
  private final ClientAddress client = new ClientAddress();
  private final CheckSampler sampler = new CheckSampler();
  private @Nullable Policies known;
  private Compiled[] compiled = new Compiled[0];

  /** Of the request at hand. */
  private RequestFacts facts = new RequestFacts();

  /** Of the judgement at hand; {@link #BEFORE_ALL}: not asked for yet. */
  private long nowMillis = BEFORE_ALL;

  /**
   * What the judges of one transport share.
   *
   * @param policies those in force
   * @param protection what is never banned
   * @param state what is banned and allowed
   * @param hits takes the hits of trusted callers
   * @param counters of the transport
   * @param denials says who was refused
   * @param clock wall clock
   * @param nanoTicker elapsed time, nanoseconds
   */
  public record Parts(
      Supplier<Policies> policies,
      Supplier<ProtectedPrefixes> protection,
      BanState state,
      HitReceiver hits,
      VerdictCounters counters,
      DenialLog denials,
      InstantSource clock,
      LongSupplier nanoTicker) {
    /** A judge for one thread. */
    public PolicyJudge judge() {
      return new PolicyJudge(this);
    }
  }

  /** A policy with the state that this thread needs for it. */
  private static final class Compiled {
    final Policy policy;
    final ClientAddressResolver resolver;
    final VerdictCounters.OfPolicyAndThread counters;
    final ThreadCounts.OfThread unauthenticated;
    private @Nullable RuleMatcher matcher;

    Compiled(Policy policy, VerdictCounters counters) {
      this.policy = policy;
      this.resolver = new ClientAddressResolver(policy.client());
      this.counters = counters.policy(policy.name()).ofThread();
      this.unauthenticated = counters.unauthenticated();
    }

    /** Made when it is first asked for: a matcher's automaton grows with its use. */
    RuleMatcher matcher() {
      RuleMatcher made = matcher;
      if (made == null) {
        made = policy.rules().matcher(Rule.On.REQUEST, null);
        matcher = made;
      }
      return made;
    }
  }

  private PolicyJudge(Parts parts) {
    this.parts = parts;
  }

  @Override
  public Judgement judge(GatewayRequest request, Caller caller) {
    try {
      return decide(request, caller);
    } catch (RuntimeException e) { // whatever it is, the gateway's failure mode decides
      parts.counters().policy("").ofThread().count(Verdict.ERROR);
      if (maySay(VerdictCounters.Trouble.ERROR)) {
        logger.atError().setCause(e).log("a request could not be judged");
      }
      return ERROR;
    }
  }

  private Judgement decide(GatewayRequest request, Caller caller) {
    Compiled asked = asked(request);
    if (caller == Caller.UNKNOWN) {
      asked.unauthenticated.increment(0);
    }
    if (!parts.state().isSynced()) {
      asked.counters.count(Verdict.NOT_SYNCED);
      return NOT_SYNCED;
    }
    if (asked.policy.off()) {
      return allowed(asked, Judgement.Reason.OFF);
    }
    facts = request.facts();
    boolean header = asked.policy.client().mode() == ClientAddressResolver.Mode.HEADER;
    Slice forwarded = header ? request.clientHeader() : request.forwardedFor();
    nowMillis = BEFORE_ALL;
    boolean found =
        asked.resolver.resolve(facts, forwarded, client) == ClientAddressResolver.Outcome.FOUND;
    if (sampler.isDue()) {
      sample(asked.policy, found);
    }
    if (!found) {
      return allowed(asked, Judgement.Reason.NO_ADDRESS);
    }
    long hi = client.hi();
    long lo = client.lo();
    ActiveBans bans = parts.state().bans();
    if (parts.protection().get().contains(hi, lo)
        || isAllowed(bans, hi, lo)
        || asked.policy.exempt().contains(hi, lo)) {
      return allowed(asked, Judgement.Reason.ADDRESS_ALLOWED);
    }
    RuleMatcher matcher = asked.matcher();
    int hits = matcher.request(facts);
    if (matcher.pathAllowed()) {
      return allowed(asked, Judgement.Reason.PATH_ALLOWED);
    }
    if (matcher.blocking() < 0) {
      Denial denial = banned(asked.policy, bans, hi, lo);
      if (denial != null) {
        if (client.seenAs() == SeenAs.PEER) {
          parts.state().stillAsks(hi, lo, now());
        }
        return refused(asked, request, denial, Verdict.BANNED);
      }
    }
    if (hits > 0) {
      return withHits(asked, request, caller, hits);
    }
    return rest(asked, hi, lo);
  }

  private void sample(Policy policy, boolean found) {
    sampler.taken(now());
    parts
        .counters()
        .recent()
        .add(
            new CheckedRequest(
                Instant.ofEpochMilli(now()),
                policy.name(),
                facts.host().toString(),
                PathHash.of(facts.target()),
                found
                    ? Optional.of(
                        new CheckedRequest.Client(
                            IpPrefix.address(client.hi(), client.lo()), client.seenAs()))
                    : Optional.empty()));
  }

  /** The time of this judgement, which is asked for once. */
  private long now() {
    if (nowMillis == BEFORE_ALL) {
      nowMillis = parts.clock().millis();
    }
    return nowMillis;
  }

  private boolean isAllowed(ActiveBans bans, long hi, long lo) {
    return bans.isAllowed(hi, lo, BEFORE_ALL) && bans.isAllowed(hi, lo, now());
  }

  /** The judgement on a request that is a hit, and whose address was not banned before. */
  private Judgement withHits(Compiled asked, GatewayRequest request, Caller caller, int found) {
    long hi = client.hi();
    long lo = client.lo();
    RuleMatcher matcher = asked.matcher();
    BanEvent.Ban made = caller == Caller.TRUSTED ? count(asked, found, now()) : null;
    boolean blocks = matcher.blocking() >= 0;
    Denial denial = null;
    // Not asked after a hit that counted: others may have banned the address since, but this
    // request
    // came before. So exactly one less than the threshold pass.
    if (made != null || blocks) {
      denial = banned(asked.policy, parts.state().bans(), hi, lo);
    }
    if (denial == null && made != null) {
      denial = denial(asked.policy, made, Denial.PENDING);
    }
    if (blocks) {
      Denial blocked = denial == null ? blocked(asked.policy, matcher) : denial;
      return refused(asked, request, blocked, Verdict.BLOCKED);
    }
    if (denial != null) {
      return refused(asked, request, denial, Verdict.BANNED);
    }
    return matcher.shadowBlocking() >= 0
        ? allowed(asked, Judgement.Reason.SHADOW)
        : rest(asked, hi, lo);
  }

  /** What remains when nothing refuses. */
  private Judgement rest(Compiled asked, long hi, long lo) {
    String scope = asked.policy.shadowScope();
    boolean shadow =
        parts.hits().shadow(hi, lo, nowMillis, scope) != null
            && parts.hits().shadow(hi, lo, now(), scope) != null;
    return allowed(asked, shadow ? Judgement.Reason.SHADOW : Judgement.Reason.NOT_BANNED);
  }

  private BanEvent.@Nullable Ban count(Compiled asked, int found, long now) {
    RuleMatcher matcher = asked.matcher();
    BanEvent.Ban made = null;
    for (int i = 0; i < found; i++) {
      Hit hit =
          new Hit(
              matcher.rule(i),
              client.hi(),
              client.lo(),
              client.seenAs(),
              now,
              matcher.pattern(i, facts),
              matcher.patternIdentity(i, facts));
      BanEvent.Ban ban = parts.hits().request(asked.policy.rules(), hit);
      made = made == null ? ban : made;
    }
    return made;
  }

  private @Nullable Denial banned(Policy policy, ActiveBans bans, long hi, long lo) {
    // Pending first: from there a ban moves to the log's state.
    if (parts.hits().pending(hi, lo, nowMillis, policy.scope()) == null
        && !bans.isBanned(hi, lo, nowMillis, policy.scope())) {
      return fed(policy, hi, lo);
    }
    long now = now();
    BanEvent.Ban pending = parts.hits().pending(hi, lo, now, policy.scope());
    if (pending != null) {
      return denial(policy, pending, Denial.PENDING);
    }
    if (!bans.isBanned(hi, lo, now, policy.scope())) {
      return fed(policy, hi, lo);
    }
    Optional<ActiveBan> ban = bans.verdict(hi, lo, now, policy.scope());
    return ban.map(found -> denial(policy, found.ban(), Long.toString(found.seq()))).orElse(null);
  }

  /** The refusal of an address that a feed holds: the feed stands for the rule. */
  private @Nullable Denial fed(Policy policy, long hi, long lo) {
    FeedPrefixes feeds = parts.state().feeds();
    if (!feeds.contains(hi, lo)) {
      return null;
    }
    String address = IpPrefix.address(hi, lo).toString();
    return feeds
        .holding(hi, lo)
        .map(feed ->
            policy
                .denial()
                .render(Long.toString(feed.seq()), feed.name(), null, true, address, "feed"))
        .orElse(null);
  }

  private Denial denial(Policy policy, BanEvent.Ban ban, String banId) {
    String address = IpPrefix.address(client.hi(), client.lo()).toString();
    return policy.denial().render(banId, ban.rule(), ban.until(), true, address, ban.reason());
  }

  private Denial blocked(Policy policy, RuleMatcher matcher) {
    int hit = matcher.blocking();
    String rule = policy.rules().rules().get(matcher.rule(hit)).id().plainName();
    String address = IpPrefix.address(client.hi(), client.lo()).toString();
    return policy
        .denial()
        .render(Denial.PENDING, rule, null, false, address, matcher.pattern(hit, facts));
  }

  private Judgement refused(
      Compiled asked, GatewayRequest request, Denial denial, Verdict verdict) {
    if (asked.policy.shadow()) {
      return allowed(asked, Judgement.Reason.SHADOW);
    }
    asked.counters.count(verdict);
    Policies policies = known;
    if (policies != null) {
      parts
          .denials()
          .denied(asked.policy.name(), request, denial, policies.denialsLoggedPerSecond());
    }
    return new Judgement.Denied(denial);
  }

  private static Judgement allowed(Compiled asked, Judgement.Reason reason) {
    asked.counters.count(Verdict.of(reason));
    return reason.allowed();
  }

  private boolean maySay(VerdictCounters.Trouble trouble) {
    return parts.counters().maySay(trouble, parts.nanoTicker().getAsLong());
  }

  // ---- policies

  private Compiled asked(GatewayRequest request) {
    Policies policies = inForce();
    int place = policies.find(request.policy());
    if (place < 0) {
      parts.counters().unknownPolicyAsked();
      if (maySay(VerdictCounters.Trouble.UNKNOWN_POLICY)) {
        logger
            .atWarn()
            .addKeyValue("policy", request.policy())
            .addKeyValue("known", policies.names())
            .log("a gateway asks for a policy that is not configured; the default one judges");
      }
      place = 0;
    }
    return compiled[place];
  }

  private Policies inForce() {
    Policies now = parts.policies().get();
    if (now != known) {
      compiled =
          now.all().stream()
              .map(policy -> new Compiled(policy, parts.counters()))
              .toArray(Compiled[]::new);
      known = now;
    }
    return now;
  }

  @Override
  public String clientHeader(GatewayRequest request) {
    Policies policies = inForce();
    return policies.all().get(Math.max(0, policies.find(request.policy()))).clientHeader();
  }

  @Override
  public Set<String> clientHeaders() {
    return inForce().clientHeaders();
  }
}
