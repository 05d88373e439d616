package io.ipsentry.authz.verdict;

import io.ipsentry.authz.transport.ThreadCounts;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts the judgements of one transport, by policy. Safe for any thread; counting takes no lock
 * and allocates nothing. Counters of a policy outlive a reload of the configuration.
 */
public final class VerdictCounters {
  private static final long QUIET_SECONDS = 10;
  private static final long NEVER = Long.MIN_VALUE;
  private static final List<Verdict> VERDICTS = List.of(Verdict.values());

  private final Map<String, OfPolicy> byPolicy = new ConcurrentHashMap<>();
  private final ThreadCounts unauthenticated = new ThreadCounts(1);
  private final LongAdder unknownPolicy = new LongAdder();
  private final RecentChecks recent = new RecentChecks();

  private final EnumMap<Trouble, AtomicLong> lastSaid = new EnumMap<>(Trouble.class);

  /** What is said in the log of the process, each at most every {@value #QUIET_SECONDS} s. */
  enum Trouble {
    ERROR,
    UNKNOWN_POLICY
  }

  /** Nothing was counted yet. */
  public VerdictCounters() {
    for (Trouble trouble : Trouble.values()) {
      lastSaid.put(trouble, new AtomicLong(NEVER));
    }
  }

  boolean maySay(Trouble trouble, long nowNanos) {
    AtomicLong last = lastSaid.get(trouble);
    if (last == null) {
      return false;
    }
    long before = last.get();
    boolean quiet = before != NEVER && nowNanos - before < QUIET_SECONDS * 1_000_000_000L;
    return !quiet && last.compareAndSet(before, nowNanos);
  }

  /** Of one policy. */
  static final class OfPolicy {
    private final ThreadCounts counts = new ThreadCounts(VERDICTS.size());

    /** Those of the current thread. */
    OfPolicyAndThread ofThread() {
      return new OfPolicyAndThread(counts.ofThread());
    }

    long sum(Verdict verdict) {
      return counts.sum(number(verdict));
    }

    @SuppressWarnings("EnumOrdinal") // A place in memory, which nothing outside sees.
    private static int number(Verdict verdict) {
      return verdict.ordinal();
    }
  }

  /** Of one policy, as one thread counts. Confined to it. */
  static final class OfPolicyAndThread {
    private final ThreadCounts.OfThread counts;

    private OfPolicyAndThread(ThreadCounts.OfThread counts) {
      this.counts = counts;
    }

    void count(Verdict verdict) {
      counts.increment(OfPolicy.number(verdict));
    }
  }

  /**
   * How often a verdict was given.
   *
   * @param policy empty: the default policy
   */
  public record Count(String policy, Verdict verdict, long count) {}

  OfPolicy policy(String name) {
    return byPolicy.computeIfAbsent(name, n -> new OfPolicy());
  }

  /** Number 0: requests of callers that are not named, as the current thread counts them. */
  ThreadCounts.OfThread unauthenticated() {
    return unauthenticated.ofThread();
  }

  /** A few of the requests that were judged. */
  public RecentChecks recent() {
    return recent;
  }

  void unknownPolicyAsked() {
    unknownPolicy.increment();
  }

  /** Every verdict of every policy that ever judged, zeros too, in order of the names. */
  public List<Count> counts() {
    List<Count> all = new ArrayList<>();
    new TreeMap<>(byPolicy)
        .forEach((policy, counters) ->
            VERDICTS.forEach(
                verdict -> all.add(new Count(policy, verdict, counters.sum(verdict)))));
    return all;
  }

  /** How often a verdict was given by all policies. */
  public long count(Verdict verdict) {
    return counts().stream()
        .filter(count -> count.verdict() == verdict)
        .mapToLong(Count::count)
        .sum();
  }

  /** Requests of callers that {@code authz.callers} does not name. */
  public long unauthenticatedRequests() {
    return unauthenticated.sum(0);
  }

  /** Requests that asked for a policy that is not configured. */
  public long unknownPolicies() {
    return unknownPolicy.sum();
  }
}
