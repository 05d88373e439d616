package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.rule.Escalation;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleId;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.rule.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Decides what follows when a rule is reached: which prefix is banned, for how long, or why not.
 *
 * <p>It reads no clock and appends nothing; the caller appends the events and shows every event of
 * the log to {@link #observe}, so that a restart or another leader decides alike. Decisions on one
 * rule are for one thread at a time; {@code observe} and the counts are safe for any.
 */
public final class BanPolicy {
  /**
   * What the policy is told.
   *
   * @param by named in the events
   * @param maxNewBansPerMinute of each rule; beyond it candidates wait; 0: no limit, for a replay
   * @param ipv6BanBits an IPv6 client is banned as its prefix of this length
   * @param widenIpv6 whether banned neighbours widen the ban
   * @param jitterSeed makes the jitter of two installations differ, so that nobody can work it out
   */
  public record Settings(
      String by, int maxNewBansPerMinute, int ipv6BanBits, boolean widenIpv6, long jitterSeed) {}

  /** What follows. */
  public sealed interface Decision {
    /**
     * Append this event. Old evidence makes a ban that has ended already: nobody is refused, but
     * the history tells of it and the next offence knows.
     */
    record Ban(BanEvent.Ban event, Verdict.Reached reached) implements Decision {}

    /** A rule in shadow mode would have banned. */
    record Shadow(BanEvent.Ban event, Verdict.Reached reached) implements Decision {}

    /** The ban would cover a protected address. */
    record Refused(IpPrefix prefix, Protection protection) implements Decision {}

    /** The rule made enough bans this minute; the candidate waits for {@link #release}. */
    record Deferred() implements Decision {}
  }

  private volatile Settings settings;
  private final PrefixWidening widening = new PrefixWidening();
  private final Map<RuleId, BanRate> rates = new ConcurrentHashMap<>();

  public BanPolicy(Settings settings) {
    this.settings = settings;
  }

  /**
   * Decides by other settings from now on; candidates that wait must hit again if the limit
   * changed.
   */
  public void reload(Settings now) {
    if (now.maxNewBansPerMinute() != settings.maxNewBansPerMinute()) {
      rates.clear();
    }
    settings = now;
  }

  /** Takes note of an event of the log. */
  public void observe(BanEvent event) {
    if (event instanceof BanEvent.Ban ban && !ban.ip().isV4()) {
      widening.banned(ban.ip(), evidenceAt(ban));
    }
  }

  private static long evidenceAt(BanEvent.Ban ban) {
    Instant evidenceAt = ban.evidenceAt();
    return (evidenceAt == null ? ban.at() : evidenceAt).toEpochMilli();
  }

  /**
   * Decides on a rule that was reached.
   *
   * @param state what is banned and allowed now, for the number of the offence
   * @param protection what must not be banned
   * @param now wall clock; in a replay the event time
   */
  public Decision decide(
      Verdict.Reached reached, ActiveBans state, ProtectedPrefixes protection, Instant now) {
    Rule rule = reached.rule();
    long evidenceAt = reached.evidenceAtMillis();
    IpPrefix prefix = prefix(reached);
    Optional<Protection> refusal = refusal(prefix, state, protection, now);
    if (refusal.isPresent()) {
      return new Decision.Refused(prefix, refusal.get());
    }
    if (settings.widenIpv6() && !prefix.isV4()) {
      prefix = widened(prefix, rule, evidenceAt, wide -> refusal(wide, state, protection, now));
    }
    int offence = offence(prefix, rule, state, evidenceAt);
    Duration length = BanLength.of(rule.ban(), offence, random(prefix, evidenceAt));
    Instant evidence = Instant.ofEpochMilli(evidenceAt);
    Instant until = length == null ? null : evidence.plus(length);
    boolean ended = until != null && !until.isAfter(now);
    BanEvent.Ban event = event(reached, prefix, now, until, offence, evidence);
    if (rule.mode() == Rule.Mode.SHADOW) {
      return new Decision.Shadow(event, reached);
    }
    if (settings.maxNewBansPerMinute() > 0 && !ended) {
      BanRate rate = rate(rule);
      if (!rate.hasRoom(now.toEpochMilli())) {
        rate.wait(prefix, reached);
        return new Decision.Deferred();
      }
      rate.made(prefix, now.toEpochMilli());
    }
    return new Decision.Ban(event, reached);
  }

  /**
   * Candidates of some rules that waited and may be decided on again, the strongest first.
   *
   * @param rules those that the calling thread decides on
   */
  public List<Verdict.Reached> release(RuleSet rules, Instant now) {
    List<Verdict.Reached> released = new ArrayList<>();
    rates.forEach((rule, rate) -> {
      if (rules.number(rule) >= 0) {
        released.addAll(rate.release(now.toEpochMilli()));
      }
    });
    return released;
  }

  /** Candidates of a rule that wait now. */
  public int waiting(RuleId rule) {
    BanRate rate = rates.get(rule);
    return rate == null ? 0 : rate.waiting();
  }

  /** Candidates of a rule that ever had to wait. */
  public long deferred(RuleId rule) {
    BanRate rate = rates.get(rule);
    return rate == null ? 0 : rate.deferred();
  }

  private BanRate rate(Rule rule) {
    return rates.computeIfAbsent(rule.id(), r -> new BanRate(settings.maxNewBansPerMinute()));
  }

  private IpPrefix prefix(Verdict.Reached reached) {
    IpPrefix address = IpPrefix.address(reached.hit().hi(), reached.hit().lo());
    return address.isV4() ? address : address.truncate(settings.ipv6BanBits());
  }

  /** Why a prefix must not be banned: it is protected, or somebody in it is allowed. */
  private static Optional<Protection> refusal(
      IpPrefix prefix, ActiveBans state, ProtectedPrefixes protection, Instant now) {
    Optional<Protection> known = protection.protects(prefix);
    if (known.isPresent()) {
      return known;
    }
    return state.allows(now).stream()
        .map(allowance -> allowance.allow().ip())
        .filter(prefix::overlaps)
        .findFirst()
        .map(allowed -> new Protection(Protection.Kind.ALLOW, allowed, ""));
  }

  private IpPrefix widened(
      IpPrefix prefix,
      Rule rule,
      long evidenceAt,
      Function<IpPrefix, Optional<Protection>> refusal) {
    IpPrefix wide = widening.widest(prefix, evidenceAt, rule.window().toMillis());
    while (wide.length() < prefix.length() && refusal.apply(wide).isPresent()) {
      wide = prefix.truncate(Math.min(prefix.length(), wide.length() + 8));
    }
    return wide;
  }

  private static int offence(IpPrefix prefix, Rule rule, ActiveBans state, long evidenceAt) {
    Escalation escalation = rule.ban().escalation();
    Duration forget = escalation == null ? Escalation.DEFAULT_FORGET : escalation.forget();
    return state
        .lastOffence(prefix)
        .filter(last -> evidenceAt - last.at().toEpochMilli() < forget.toMillis())
        .map(last -> last.number() + 1)
        .orElse(1);
  }

  /** In [0, 1): the same for the same ban, so that a replay comes to the same end. */
  private double random(IpPrefix prefix, long evidenceAt) {
    long h = settings.jitterSeed() ^ prefix.hi() * 0x9E3779B97F4A7C15L ^ prefix.lo();
    h = (h ^ evidenceAt) * 0xBF58476D1CE4E5B9L;
    h = (h ^ h >>> 27) * 0x94D049BB133111EBL;
    return ((h ^ h >>> 31) >>> 11) * 0x1.0p-53;
  }

  private BanEvent.Ban event(
      Verdict.Reached reached,
      IpPrefix prefix,
      Instant now,
      @Nullable Instant until,
      int offence,
      Instant evidence) {
    return new BanEvent.Ban(
        now,
        prefix,
        until,
        reached.rule().id().plainName(),
        reached.hit().pattern(),
        reached.hits(),
        reached.hit().seenAs(),
        settings.by(),
        offence,
        evidence,
        reached.rule().scope());
  }
}
