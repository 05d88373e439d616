package io.ipsentry.detection;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.BanPolicy.Decision;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleEngine;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.rule.Verdict;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Takes hits to bans: counts them, decides when a rule is reached, and appends the bans of one
 * round of reading together.
 *
 * <p>A ban that is decided but not yet appended already keeps the hits of its address from
 * counting. If the log is full or cannot be written, the decided bans are kept and appended in a
 * later round; at most {@value #MAX_PENDING} of them, then reading waits. Confined to the thread
 * that reads.
 */
public final class Detection {
  /** Bans that are appended together at most. */
  static final int MAX_PENDING = 1_000;

  private final RuleEngine engine;
  private final BanPolicy policy;
  private final BanWriter writer;
  private final DetectionObserver observer;
  private final DecisionClock clock;
  private ProtectedPrefixes protection;

  private final List<BanEvent.Ban> pending = new ArrayList<>();
  private final LocalFloors pendingFloors = new LocalFloors(LocalFloors.MAX_PENDING);
  private final LocalFloors shadowFloors = new LocalFloors(LocalFloors.MAX_SHADOWS);

  public Detection(
      RuleEngine engine,
      BanPolicy policy,
      BanWriter writer,
      ProtectedPrefixes protection,
      DetectionObserver observer,
      DecisionClock clock) {
    this.engine = engine;
    this.policy = policy;
    this.writer = writer;
    this.protection = protection;
    this.observer = observer;
    this.clock = clock;
    observer.rules(engine.rules());
  }

  /** Says when a decision is made: now, and in a replay when the evidence happened. */
  @FunctionalInterface
  public interface DecisionClock {
    Instant decidedAt(Verdict.Reached reached);
  }

  public RuleEngine engine() {
    return engine;
  }

  /** Judges by other rules from the next hit on; rules that keep their names keep their hits. */
  public void reload(RuleSet rules) {
    engine.reload(rules);
    observer.rules(rules);
  }

  public BanPolicy policy() {
    return policy;
  }

  public void protection(ProtectedPrefixes now) {
    protection = now;
  }

  /** Counts a hit and decides what follows. */
  public void hit(Hit hit) {
    Verdict verdict = engine.judge(hit, this::floorMillis);
    observer.judged(hit, verdict);
    if (verdict instanceof Verdict.Reached reached) {
      decide(reached);
    }
  }

  private void decide(Verdict.Reached reached) {
    Instant now = clock.decidedAt(reached);
    Decision decision = policy.decide(reached, writer.state(), protection, now);
    observer.decided(reached, decision);
    switch (decision) {
      case Decision.Ban ban -> {
        pending.add(ban.event());
        pendingFloors.put(ban.event());
        policy.observe(ban.event());
        engine.forget(reached);
        if (pending.size() == MAX_PENDING) {
          flush();
        }
      }
      case Decision.Shadow shadow -> {
        shadowFloors.put(shadow.event());
        engine.forget(reached);
      }
      case Decision.Refused refused -> engine.forget(reached);
      case Decision.Deferred deferred -> {
        // The hits stay: they make it a stronger candidate.
      }
    }
  }

  /** Decides on candidates that waited for room under the limit of new bans. */
  public void release(Instant now) {
    for (Verdict.Reached waiting : policy.release(engine.rules(), now)) {
      Verdict.Reached reached = engine.current(waiting);
      if (reached == null) {
        continue;
      }
      boolean bannedMeanwhile =
          reached.evidenceAtMillis()
              <= floorMillis(reached.rule(), reached.hit().hi(), reached.hit().lo());
      if (!bannedMeanwhile) {
        decide(reached);
      }
    }
  }

  /**
   * Appends what was decided since the last call.
   *
   * @return false when it could not be appended; the bans are kept
   */
  public boolean flush() {
    if (pending.isEmpty()) {
      return true;
    }
    while (!pending.isEmpty()) {
      List<BanEvent.Ban> batch = pending.subList(0, Math.min(pending.size(), MAX_PENDING));
      switch (writer.write((state, now) -> stillWanted(batch, state, now))) {
        case BanWriter.Outcome.Written written -> {
          observer.appended(written.events());
          batch.clear();
        }
        case BanWriter.Outcome.Full full -> {
          observer.appendFailed(full.reason());
          return false;
        }
        case BanWriter.Outcome.Contended contended -> {
          observer.appendFailed("other writers were faster each time");
          return false;
        }
      }
    }
    pendingFloors.clear();
    return true;
  }

  /** Leaves out what others did meanwhile: addresses that are allowed or already banned. */
  private static List<BanEvent> stillWanted(
      List<BanEvent.Ban> batch, ActiveBans state, Instant now) {
    List<BanEvent> wanted = new ArrayList<>(batch.size());
    for (BanEvent.Ban ban : batch) {
      if (isWanted(ban, state, now)) {
        wanted.add(ban);
      }
    }
    return wanted;
  }

  /** Whether a decided ban is still to be appended: nobody allowed, banned or unbanned it since. */
  static boolean isWanted(BanEvent.Ban ban, ActiveBans state, Instant now) {
    IpPrefix ip = ban.ip();
    Instant evidenceAt = ban.evidenceAt();
    boolean allowed = state.allowance(ip.hi(), ip.lo(), now).isPresent();
    boolean old =
        evidenceAt != null
            && evidenceAt.toEpochMilli() <= state.floorMillis(ip.hi(), ip.lo(), ban.scope());
    return !allowed && !old;
  }

  private long floorMillis(Rule rule, long hi, long lo) {
    String scope = rule.scope();
    long floor = writer.state().floorMillis(hi, lo, scope);
    floor = Math.max(floor, pendingFloors.floorMillis(hi, lo, scope));
    // A rule in shadow mode must not keep another from banning.
    return rule.mode() == Rule.Mode.ENFORCE
        ? floor
        : Math.max(floor, shadowFloors.floorMillis(hi, lo, scope));
  }

  /** False while so many bans wait to be appended that no more should be decided. */
  public boolean canRead() {
    return pending.size() < MAX_PENDING;
  }

  /** True while bans are decided but not appended. */
  public boolean hasPending() {
    return !pending.isEmpty();
  }
}
