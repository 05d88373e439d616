package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.StampedLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Who is banned and who is allowed: the fold of the ban log.
 *
 * <p>It depends on the events and the {@link Limits} only, never on a clock, so everybody who has
 * read the same events has the same state. Questions name the time they ask about, which should not
 * lie before the newest time in the events; for the past, fold the events up to then ({@link
 * #replay}).
 *
 * <ul>
 *   <li>The newest ban of a prefix and scope replaces the one before. If that was active and seen
 *       in packets, so is the new one: a forwarded hit does not take an address out of the kernel.
 *   <li>A ban that has ended is remembered for escalation and as a <em>floor</em>: hits with an
 *       event time up to its end never count, so that lines read again neither repeat a ban nor
 *       undo an unban. It is forgotten {@link Limits#rememberEnded} after its end (by the times in
 *       the events), and earlier, those that ended first, when more than {@link
 *       Limits#maxRemembered} prefixes are held. An active ban is never forgotten.
 *   <li>An allow beats every ban, whichever prefix is longer.
 *   <li>At most {@value #MAX_SCOPES} scopes of one prefix are held; a further one replaces the one
 *       that ends first.
 * </ul>
 *
 * <p>Threads: one writer at a time calls {@link #apply}; any thread asks. {@link #isBanned}, {@link
 * #verdict} and {@link #floorMillis} take no lock unless writes keep disturbing them, and then for
 * the time of one question.
 */
public final class ActiveBans {
  /** Stands for "never ends" where times are milliseconds. */
  public static final long FOR_EVER = Long.MAX_VALUE;

  /** Floor of an address that was never banned. */
  public static final long NO_FLOOR = Long.MIN_VALUE;

  /** Most scopes of one prefix. */
  public static final int MAX_SCOPES = 256;

  private static final int OPTIMISTIC_ATTEMPTS = 16;
  private static final int KERNEL_PIECE = 4_096;

  /**
   * How much of the past is kept.
   *
   * @param rememberEnded how long after its end a ban is remembered; at least the longest {@code
   *     forget} of a rule, or escalation starts anew too early
   * @param maxRemembered prefixes held, active ones included, before the longest ended are
   *     forgotten
   */
  public record Limits(Duration rememberEnded, int maxRemembered) {
    /** Thirty days, two million prefixes. */
    public static final Limits DEFAULT = new Limits(Duration.ofDays(30), 2_000_000);

    /** Checks the limits. */
    public Limits {
      if (rememberEnded.isNegative() || maxRemembered < 0) {
        throw new IllegalArgumentException("limits must not be negative");
      }
    }
  }

  /**
   * The last ban of a prefix, ended or not.
   *
   * @param number 1 for a first offence
   * @param at when it was decided
   */
  public record Offence(int number, Instant at) {}

  /**
   * A prefix that nobody is refused from.
   *
   * @param seq number of the event
   */
  public record Allowance(long seq, BanEvent.Allow allow) {}

  /**
   * A feed as last announced.
   *
   * @param seq number of the event
   */
  public record FeedState(long seq, BanEvent.Feed feed) {}

  /**
   * How many there are at a time.
   *
   * @param bans active bans
   * @param visibleAtL3 active bans that the kernel can enforce
   * @param allows prefixes that are allowed
   * @param remembered prefixes held, the active ones included
   */
  public record Counts(int bans, int visibleAtL3, int allows, int remembered) {}

  /**
   * The ban of a prefix as the kernel of a host could enforce it.
   *
   * @param slot a number below {@link #slots}, the prefix's own for as long as it is remembered
   * @param seq number of the event that made it what it is; 0: none did
   * @param untilMillis when it ends, milliseconds since 1970, {@link #FOR_EVER}; {@link #NO_FLOOR}
   *     if there is no ban to enforce: it has ended, or the address stands in no packet
   */
  public record KernelBan(int slot, IpPrefix ip, long seq, long untilMillis) {}

  /** Where a page of {@link #list} ended. */
  public record Cursor(IpPrefix ip, long seq) {
    /** Behind a ban. */
    public static Cursor after(ActiveBan ban) {
      return new Cursor(ban.ban().ip(), ban.seq());
    }
  }

  private final StampedLock lock = new StampedLock();
  // Replaced only under the write lock; who reads without it sees that in the stamp.
  private BanFold fold;

  /** Nobody banned, the default limits. */
  public ActiveBans() {
    this(Limits.DEFAULT);
  }

  /** Nobody banned. */
  public ActiveBans(Limits limits) {
    fold = new BanFold(limits);
  }

  /**
   * The state at a time in the past: the fold of the events decided up to then.
   *
   * @param events in order; later ones may be among them and are left out
   */
  public static ActiveBans replay(Iterable<SequencedEvent> events, Instant upTo) {
    return replay(events, upTo, Limits.DEFAULT);
  }

  /** As {@link #replay(Iterable, Instant)}, with limits. */
  public static ActiveBans replay(Iterable<SequencedEvent> events, Instant upTo, Limits limits) {
    ActiveBans state = new ActiveBans(limits);
    state.foldUpTo(events, upTo);
    return state;
  }

  /** Takes in the events decided up to a time, as {@link #replay}; for a state nobody else uses. */
  public void foldUpTo(Iterable<SequencedEvent> events, Instant upTo) {
    for (SequencedEvent event : events) {
      if (!event.event().at().isAfter(upTo)) {
        take(event);
      }
    }
  }

  /**
   * Becomes another state, such as one from a snapshot when the events in between are gone, with
   * its limits. The other must not be used any more.
   */
  public void become(ActiveBans other) {
    long stamp = lock.writeLock();
    try {
      fold = other.fold;
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /** Does work on everything that is held, while nobody changes it. */
  void whileUnchanged(BanFold.Filling work) throws IOException {
    long stamp = lock.readLock();
    try {
      work.fill(fold);
    } finally {
      lock.unlockRead(stamp);
    }
  }

  /** Is filled with what a snapshot held; only a new state is. */
  void restore(long head, long foldMillis, BanFold.Filling filling) throws IOException {
    long stamp = lock.writeLock();
    try {
      fold.restore(head, foldMillis, filling);
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /**
   * Takes in the next event of the log.
   *
   * @throws IllegalArgumentException if it is not the next one: events are missing or come twice,
   *     and the reader must start over
   */
  public void apply(SequencedEvent event) {
    long head = fold.head();
    if (event.seq() != head + 1) {
      throw new IllegalArgumentException(
          "event " + event.seq() + " does not follow event " + head + " of the ban log");
    }
    take(event);
  }

  private void take(SequencedEvent event) {
    // Growing takes long and changes no answer, so readers need not wait for it.
    fold.reserve(event.event());
    long stamp = lock.writeLock();
    try {
      fold.apply(event);
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /** How much of the past is kept. */
  public Limits limits() {
    return fold.limits();
  }

  /** Number of the last event taken in; 0 for none. */
  public long head() {
    return read(() -> fold.head());
  }

  /** The newest time in the events taken in; empty: there was none. */
  public Optional<Instant> newestTime() {
    long millis = read(() -> fold.foldMillis());
    return millis == Long.MIN_VALUE ? Optional.empty() : Optional.of(Instant.ofEpochMilli(millis));
  }

  /**
   * The last change of a shared document that events came of, as it is named in them; empty: none.
   * Whoever carries out such changes sees by it what was carried out before.
   */
  public Optional<String> lastEdit() {
    return locked(() -> Optional.ofNullable(fold.lastEdit()));
  }

  /** Whether requests of an address are to be refused. Allocates nothing. */
  public boolean isBanned(long hi, long lo, long atMillis, @Nullable String scope) {
    for (int i = 0; i < OPTIMISTIC_ATTEMPTS; i++) {
      long stamp = lock.tryOptimisticRead();
      boolean banned = stamp != 0 && fold.find(hi, lo, atMillis, scope) != BanSlots.NONE;
      if (stamp != 0 && lock.validate(stamp)) {
        return banned;
      }
      Thread.onSpinWait();
    }
    long stamp = lock.readLock();
    try {
      return fold.find(hi, lo, atMillis, scope) != BanSlots.NONE;
    } finally {
      lock.unlockRead(stamp);
    }
  }

  /**
   * The ban because of which requests of an address are to be refused: the one with the longest
   * prefix; none if the address is allowed.
   *
   * @param atMillis time, milliseconds since 1970
   * @param scope policy whose route is asked for; null: none, only bans that hold everywhere count
   */
  public Optional<ActiveBan> verdict(long hi, long lo, long atMillis, @Nullable String scope) {
    BanSlots.@Nullable Copy copy =
        read(() -> {
          int slot = fold.find(hi, lo, atMillis, scope);
          return slot == BanSlots.NONE ? null : fold.slots().copy(slot);
        });
    return copy == null ? Optional.empty() : Optional.of(copy.toBan());
  }

  /**
   * Hits of an address with an event time up to this never count: the latest end of a ban or unban
   * of a prefix that holds it. {@link #FOR_EVER} under a permanent ban, {@link #NO_FLOOR} if there
   * is none. Allocates nothing.
   *
   * @param scope policy that judges; null: none, only bans that hold everywhere count
   */
  public long floorMillis(long hi, long lo, @Nullable String scope) {
    for (int i = 0; i < OPTIMISTIC_ATTEMPTS; i++) {
      long stamp = lock.tryOptimisticRead();
      long floor = stamp == 0 ? NO_FLOOR : fold.floor(hi, lo, scope);
      if (stamp != 0 && lock.validate(stamp)) {
        return floor;
      }
      Thread.onSpinWait();
    }
    long stamp = lock.readLock();
    try {
      return fold.floor(hi, lo, scope);
    } finally {
      lock.unlockRead(stamp);
    }
  }

  /** Active bans of exactly this prefix, one a scope, newest first; allows are not looked at. */
  public List<ActiveBan> get(IpPrefix ip, Instant at) {
    return locked(() -> fold.listing().ofPrefix(ip, at.toEpochMilli()));
  }

  /** The last ban of exactly this prefix, ended or not, in any scope: what escalation goes by. */
  public Optional<Offence> lastOffence(IpPrefix ip) {
    return locked(() -> fold.listing().lastOffence(ip));
  }

  /** All active bans in order of their prefixes; allows are not looked at. */
  public List<ActiveBan> list(Instant at) {
    return list(at, null, Integer.MAX_VALUE);
  }

  /**
   * A page of the active bans, in order of their prefixes; allows are not looked at.
   *
   * @param after where the page before ended; null for the first page
   * @param max most bans wanted; fewer come only at the end
   */
  public List<ActiveBan> list(Instant at, @Nullable Cursor after, int max) {
    return locked(() -> fold.listing().page(at.toEpochMilli(), after, max));
  }

  /**
   * Active bans of prefixes that contain the given one or lie in it, in order; allows are not
   * looked at.
   *
   * @param max most bans wanted
   */
  public List<ActiveBan> overlapping(IpPrefix ip, Instant at, int max) {
    return locked(() -> fold.listing().overlapping(ip, at.toEpochMilli(), max));
  }

  /** Shows the last ban of each prefix and scope that is remembered, in the order of the events. */
  public void forEachRemembered(Consumer<? super BanEvent.Ban> visitor) {
    locked(() -> {
      for (int slot : fold.slots().inOrderOfEvents()) {
        visitor.accept(fold.slots().copy(slot).toBan().ban());
      }
      return null;
    });
  }

  /** Numbers of the events because of which bans, allows and feeds stand, ascending. */
  public long[] standing(Instant at) {
    return locked(() -> fold.listing().standing(at.toEpochMilli()));
  }

  /** Whether an address is never refused because of an allow. Allocates nothing. */
  public boolean isAllowed(long hi, long lo, long atMillis) {
    for (int i = 0; i < OPTIMISTIC_ATTEMPTS; i++) {
      long stamp = lock.tryOptimisticRead();
      boolean allowed = stamp != 0 && fold.allows().covers(hi, lo, atMillis);
      if (stamp != 0 && lock.validate(stamp)) {
        return allowed;
      }
      Thread.onSpinWait();
    }
    long stamp = lock.readLock();
    try {
      return fold.allows().covers(hi, lo, atMillis);
    } finally {
      lock.unlockRead(stamp);
    }
  }

  /** The allow because of which an address is never refused: the one with the longest prefix. */
  public Optional<Allowance> allowance(long hi, long lo, Instant at) {
    return locked(() -> Optional.ofNullable(fold.allows().find(hi, lo, at.toEpochMilli())));
  }

  /** All allows that hold, in order of their prefixes. */
  public List<Allowance> allows(Instant at) {
    return locked(() -> fold.allows().list(at.toEpochMilli()));
  }

  /** The prefixes of all allows that hold. */
  public PrefixSet allowedPrefixes(Instant at) {
    return PrefixSet.of(allows(at).stream().map(entry -> entry.allow().ip()).toList());
  }

  /** All feeds, by name. */
  public Map<String, FeedState> feeds() {
    return locked(() -> new TreeMap<>(fold.feeds()));
  }

  /** How many there are; takes a look at every ban. */
  public Counts counts(Instant at) {
    return locked(() -> fold.listing().counts(at.toEpochMilli()));
  }

  /** Every {@link KernelBan#slot} is below this. */
  public int slots() {
    return locked(() -> fold.slots().end());
  }

  /**
   * What the kernel could enforce of exactly this prefix: its ban that holds everywhere; allows are
   * not looked at.
   *
   * @return null: nothing about the prefix is remembered
   */
  public @Nullable KernelBan kernelBan(IpPrefix ip, long atMillis) {
    long stamp = lock.readLock();
    try {
      return fold.listing().kernelBan(ip, atMillis);
    } finally {
      lock.unlockRead(stamp);
    }
  }

  /**
   * Shows all bans that the kernel can enforce, in the order of their slots; allows are not looked
   * at. The writer is let in between every few thousand of them: who needs more than what was true
   * of each at some moment goes by the events as well. The visitor may ask anything.
   */
  public void forEachKernelBan(long atMillis, Consumer<? super KernelBan> visitor) {
    forEachPiece(atMillis, false, visitor);
  }

  /**
   * As {@link #forEachKernelBan}, with those of addresses that stand in no packet: all bans that
   * hold everywhere.
   */
  public void forEachBanEverywhere(long atMillis, Consumer<? super KernelBan> visitor) {
    forEachPiece(atMillis, true, visitor);
  }

  private void forEachPiece(long atMillis, boolean forwarded, Consumer<? super KernelBan> visitor) {
    List<KernelBan> piece = new ArrayList<>();
    for (int next = 0; next >= 0; ) {
      int from = next;
      next =
          locked(() -> {
            int end = Math.min(fold.slots().end(), from + KERNEL_PIECE);
            fold.listing().kernelBans(from, end, forwarded, atMillis, piece);
            return end == fold.slots().end() ? -1 : end;
          });
      piece.forEach(visitor);
      piece.clear();
    }
  }

  /** Bytes held in arrays: what the state costs, texts left out. */
  public long sizeBytes() {
    return locked(() -> fold.sizeBytes());
  }

  /** An end in milliseconds; {@link #FOR_EVER} for null. */
  static long millisOf(@Nullable Instant until) {
    return until == null ? FOR_EVER : until.toEpochMilli();
  }

  private <T extends @Nullable Object> T read(Supplier<T> question) {
    for (int i = 0; i < OPTIMISTIC_ATTEMPTS; i++) {
      long stamp = lock.tryOptimisticRead();
      if (stamp != 0) {
        T answer = question.get();
        if (lock.validate(stamp)) {
          return answer;
        }
      }
      Thread.onSpinWait();
    }
    return locked(question);
  }

  private <T extends @Nullable Object> T locked(Supplier<T> question) {
    long stamp = lock.readLock();
    try {
      return question.get();
    } finally {
      lock.unlockRead(stamp);
    }
  }
}
