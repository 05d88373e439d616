package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixTable;
import io.ipsentry.net.SeenAs;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.TreeMap;
import java.util.concurrent.locks.StampedLock;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.stream.LongStream;
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

  private final Limits limits;
  private final StampedLock lock = new StampedLock();
  // Replaced only under the write lock; who reads without it sees that in the stamp.
  private PrefixTable table = new PrefixTable();
  private BanSlots slots = new BanSlots();
  private EndHeap ends = new EndHeap(slots);
  private AllowTable allows = new AllowTable();
  private TreeMap<String, FeedState> feeds = new TreeMap<>();
  private long head;
  private long foldMillis = Long.MIN_VALUE;

  /** Nobody banned, the default limits. */
  public ActiveBans() {
    this(Limits.DEFAULT);
  }

  /** Nobody banned. */
  public ActiveBans(Limits limits) {
    this.limits = limits;
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
        fold(event);
      }
    }
  }

  /**
   * Becomes another state, such as one from a snapshot when the events in between are gone. The
   * other must not be used any more.
   */
  public void become(ActiveBans other) {
    long stamp = lock.writeLock();
    try {
      table = other.table;
      slots = other.slots;
      ends = other.ends;
      allows = other.allows;
      feeds = other.feeds;
      head = other.head;
      foldMillis = other.foldMillis;
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /** Does work on everything that is held, while nobody changes it. */
  void whileUnchanged(BanParts.Work work) throws IOException {
    long stamp = lock.readLock();
    try {
      work.on(parts());
    } finally {
      lock.unlockRead(stamp);
    }
  }

  /** Is filled with what a snapshot held; only a new state is. */
  void fill(long newHead, long newFoldMillis, BanParts.Work work) throws IOException {
    long stamp = lock.writeLock();
    try {
      head = newHead;
      foldMillis = newFoldMillis;
      work.on(parts());
      forget();
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  private BanParts parts() {
    return new BanParts(head, foldMillis, table, slots, ends, allows, feeds);
  }

  /**
   * Takes in the next event of the log.
   *
   * @throws IllegalArgumentException if it is not the next one: events are missing or come twice,
   *     and the reader must start over
   */
  public void apply(SequencedEvent event) {
    if (event.seq() != head + 1) {
      throw new IllegalArgumentException(
          "event " + event.seq() + " does not follow event " + head + " of the ban log");
    }
    fold(event);
  }

  /** How much of the past is kept. */
  public Limits limits() {
    return limits;
  }

  /** Number of the last event taken in; 0 for none. */
  public long head() {
    return read(() -> head);
  }

  /** The newest time in the events taken in; empty: there was none. */
  public Optional<Instant> newestTime() {
    long millis = read(() -> foldMillis);
    return millis == Long.MIN_VALUE ? Optional.empty() : Optional.of(Instant.ofEpochMilli(millis));
  }

  private void fold(SequencedEvent event) {
    // Growing takes long and changes no answer, so readers need not wait for it.
    table.reserve();
    long stamp = lock.writeLock();
    try {
      switch (event.event()) {
        case BanEvent.Ban ban -> ban(event.seq(), ban);
        case BanEvent.Unban unban -> unban(unban);
        case BanEvent.Allow allow -> allows.put(new Allowance(event.seq(), allow));
        case BanEvent.Disallow disallow -> allows.remove(disallow.ip());
        case BanEvent.Feed feed -> {
          if (feed.entries() == 0) {
            feeds.remove(feed.feed());
          } else {
            feeds.put(feed.feed(), new FeedState(event.seq(), feed));
          }
        }
      }
      head = event.seq();
      foldMillis = Math.max(foldMillis, event.event().at().toEpochMilli());
      forget();
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  private void ban(long seq, BanEvent.Ban ban) {
    int slot = slotOf(ban.ip(), ban.scope());
    SeenAs seenAs = ban.seenAs();
    if (seenAs == SeenAs.FORWARDED && slots.isActive(slot, ban.at().toEpochMilli())) {
      seenAs = slots.seenAs(slot);
    }
    slots.setBan(slot, seq, ban, seenAs);
    ends.update(slot);
  }

  private void unban(BanEvent.Unban unban) {
    // Also where nobody was banned: the floor must hold for hits that are still on their way.
    slotOf(unban.ip(), null);
    for (int slot = table.get(unban.ip()); slot != BanSlots.NONE; slot = slots.next(slot)) {
      slots.setUnbanned(slot, unban.at().toEpochMilli());
      ends.update(slot);
    }
  }

  /** The slot of a prefix and scope; a new one if there is none. */
  private int slotOf(IpPrefix ip, @Nullable String scope) {
    int chain = table.get(ip);
    int count = 0;
    int endsFirst = chain;
    for (int slot = chain; slot != BanSlots.NONE; slot = slots.next(slot)) {
      if (slots.hasScope(slot, scope)) {
        return slot;
      }
      count++;
      if (slots.until(slot) < slots.until(endsFirst)) {
        endsFirst = slot;
      }
    }
    if (count == MAX_SCOPES) {
      drop(endsFirst);
      chain = table.get(ip);
    }
    int slot = slots.add(ip, chain);
    table.put(ip, slot);
    return slot;
  }

  private void drop(int slot) {
    IpPrefix ip = slots.ip(slot);
    ends.remove(slot);
    int chain = table.get(ip);
    if (chain != slot) {
      int before = chain;
      while (slots.next(before) != slot) {
        before = slots.next(before);
      }
      slots.setNext(before, slots.next(slot));
    } else if (slots.next(slot) == BanSlots.NONE) {
      table.remove(ip);
    } else {
      table.put(ip, slots.next(slot));
    }
    slots.free(slot);
  }

  private void forget() {
    long rememberMillis = limits.rememberEnded().toMillis();
    while (!ends.isEmpty()) {
      int slot = ends.first();
      long endedAgo = foldMillis - slots.until(slot);
      if (endedAgo < 0 || (endedAgo < rememberMillis && slots.used() <= limits.maxRemembered())) {
        break;
      }
      drop(slot);
    }
    allows.forgetEnded(foldMillis);
  }

  /** Whether requests of an address are to be refused. Allocates nothing. */
  public boolean isBanned(long hi, long lo, long atMillis, @Nullable String scope) {
    for (int i = 0; i < OPTIMISTIC_ATTEMPTS; i++) {
      long stamp = lock.tryOptimisticRead();
      boolean banned = stamp != 0 && find(hi, lo, atMillis, scope) != BanSlots.NONE;
      if (stamp != 0 && lock.validate(stamp)) {
        return banned;
      }
      Thread.onSpinWait();
    }
    long stamp = lock.readLock();
    try {
      return find(hi, lo, atMillis, scope) != BanSlots.NONE;
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
          int slot = find(hi, lo, atMillis, scope);
          return slot == BanSlots.NONE ? null : slots.copy(slot);
        });
    return copy == null ? Optional.empty() : Optional.of(copy.toBan());
  }

  private int find(long hi, long lo, long atMillis, @Nullable String scope) {
    long match = table.match(hi, lo, IpPrefix.MAX_LENGTH);
    while (match != PrefixTable.NONE) {
      int slot = PrefixTable.valueOf(match);
      for (int i = 0; i < MAX_SCOPES && slot != BanSlots.NONE; i++) {
        if (slots.isActive(slot, atMillis) && slots.holdsFor(slot, scope)) {
          return allows.covers(hi, lo, atMillis) ? BanSlots.NONE : slot;
        }
        slot = slots.next(slot);
      }
      match = table.match(hi, lo, PrefixTable.lengthOf(match) - 1);
    }
    return BanSlots.NONE;
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
      long floor = stamp == 0 ? NO_FLOOR : floor(hi, lo, scope);
      if (stamp != 0 && lock.validate(stamp)) {
        return floor;
      }
      Thread.onSpinWait();
    }
    long stamp = lock.readLock();
    try {
      return floor(hi, lo, scope);
    } finally {
      lock.unlockRead(stamp);
    }
  }

  private long floor(long hi, long lo, @Nullable String scope) {
    long floor = NO_FLOOR;
    long match = table.match(hi, lo, IpPrefix.MAX_LENGTH);
    while (match != PrefixTable.NONE) {
      int slot = PrefixTable.valueOf(match);
      for (int i = 0; i < MAX_SCOPES && slot != BanSlots.NONE; i++) {
        if (slots.holdsFor(slot, scope)) {
          floor = Math.max(floor, slots.until(slot));
        }
        slot = slots.next(slot);
      }
      match = table.match(hi, lo, PrefixTable.lengthOf(match) - 1);
    }
    return floor;
  }

  /** Active bans of exactly this prefix, one a scope, newest first; allows are not looked at. */
  public List<ActiveBan> get(IpPrefix ip, Instant at) {
    return locked(() -> {
      List<ActiveBan> found = new ArrayList<>();
      for (int slot = table.get(ip); slot != BanSlots.NONE; slot = slots.next(slot)) {
        if (slots.isActive(slot, at.toEpochMilli())) {
          found.add(slots.copy(slot).toBan());
        }
      }
      found.sort(Comparator.comparingLong(ActiveBan::seq).reversed());
      return found;
    });
  }

  /** The last ban of exactly this prefix, ended or not, in any scope: what escalation goes by. */
  public Optional<Offence> lastOffence(IpPrefix ip) {
    return locked(() -> {
      int last = BanSlots.NONE;
      for (int slot = table.get(ip); slot != BanSlots.NONE; slot = slots.next(slot)) {
        boolean newer = last == BanSlots.NONE || slots.seq(slot) > slots.seq(last);
        if (slots.offence(slot) > 0 && newer) {
          last = slot;
        }
      }
      return last == BanSlots.NONE
          ? Optional.empty()
          : Optional.of(new Offence(slots.offence(last), Instant.ofEpochMilli(slots.at(last))));
    });
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
    long atMillis = at.toEpochMilli();
    return first(
        max,
        slot ->
            slots.isActive(slot, atMillis)
                && (after == null || slots.compareTo(slot, after.ip(), after.seq()) > 0));
  }

  /**
   * Active bans of prefixes that contain the given one or lie in it, in order; allows are not
   * looked at.
   *
   * @param max most bans wanted
   */
  public List<ActiveBan> overlapping(IpPrefix ip, Instant at, int max) {
    long atMillis = at.toEpochMilli();
    return first(max, slot -> slots.isActive(slot, atMillis) && slots.ip(slot).overlaps(ip));
  }

  private List<ActiveBan> first(int max, IntPredicate wanted) {
    if (max < 1) {
      throw new IllegalArgumentException("at least 1 ban must be wanted, is " + max);
    }
    Comparator<ActiveBan> order =
        Comparator.comparing((ActiveBan ban) -> ban.ban().ip()).thenComparingLong(ActiveBan::seq);
    PriorityQueue<ActiveBan> lowest = new PriorityQueue<>(order.reversed());
    return locked(() -> {
      for (int slot = 0; slot < slots.end(); slot++) {
        if (!wanted.test(slot)) {
          continue;
        }
        ActiveBan highest = lowest.size() == max ? lowest.peek() : null;
        if (highest == null || slots.compareTo(slot, highest.ban().ip(), highest.seq()) < 0) {
          if (highest != null) {
            lowest.poll();
          }
          lowest.add(slots.copy(slot).toBan());
        }
      }
      List<ActiveBan> sorted = new ArrayList<>(lowest);
      sorted.sort(order);
      return sorted;
    });
  }

  /** Shows the last ban of each prefix and scope that is remembered, in the order of the events. */
  public void forEachRemembered(Consumer<? super BanEvent.Ban> visitor) {
    locked(() -> {
      for (int slot : slots.inOrderOfEvents()) {
        visitor.accept(slots.copy(slot).toBan().ban());
      }
      return null;
    });
  }

  /** Numbers of the events because of which bans, allows and feeds stand, ascending. */
  public long[] standing(Instant at) {
    long atMillis = at.toEpochMilli();
    return locked(() -> {
      LongStream.Builder seqs = LongStream.builder();
      for (int slot = 0; slot < slots.end(); slot++) {
        if (slots.isActive(slot, atMillis)) {
          seqs.add(slots.seq(slot));
        }
      }
      allows.list(atMillis).forEach(entry -> seqs.add(entry.seq()));
      feeds.values().forEach(entry -> seqs.add(entry.seq()));
      return seqs.build().sorted().toArray();
    });
  }

  /** Whether an address is never refused because of an allow. Allocates nothing. */
  public boolean isAllowed(long hi, long lo, long atMillis) {
    for (int i = 0; i < OPTIMISTIC_ATTEMPTS; i++) {
      long stamp = lock.tryOptimisticRead();
      boolean allowed = stamp != 0 && allows.covers(hi, lo, atMillis);
      if (stamp != 0 && lock.validate(stamp)) {
        return allowed;
      }
      Thread.onSpinWait();
    }
    long stamp = lock.readLock();
    try {
      return allows.covers(hi, lo, atMillis);
    } finally {
      lock.unlockRead(stamp);
    }
  }

  /** The allow because of which an address is never refused: the one with the longest prefix. */
  public Optional<Allowance> allowance(long hi, long lo, Instant at) {
    return locked(() -> Optional.ofNullable(allows.find(hi, lo, at.toEpochMilli())));
  }

  /** All allows that hold, in order of their prefixes. */
  public List<Allowance> allows(Instant at) {
    return locked(() -> allows.list(at.toEpochMilli()));
  }

  /** All feeds, by name. */
  public Map<String, FeedState> feeds() {
    return locked(() -> new TreeMap<>(feeds));
  }

  /** How many there are; takes a look at every ban. */
  public Counts counts(Instant at) {
    long atMillis = at.toEpochMilli();
    return locked(() -> {
      int bans = 0;
      int visibleAtL3 = 0;
      for (int slot = 0; slot < slots.end(); slot++) {
        if (slots.isActive(slot, atMillis)) {
          bans++;
          visibleAtL3 += slots.isVisibleAtL3(slot) ? 1 : 0;
        }
      }
      return new Counts(bans, visibleAtL3, allows.list(atMillis).size(), slots.used());
    });
  }

  /** Every {@link KernelBan#slot} is below this. */
  public int slots() {
    return locked(() -> slots.end());
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
      for (int slot = table.get(ip); slot != BanSlots.NONE; slot = slots.next(slot)) {
        if (slots.hasScope(slot, null)) {
          return kernelBan(slot, ip, atMillis);
        }
      }
      return null;
    } finally {
      lock.unlockRead(stamp);
    }
  }

  private KernelBan kernelBan(int slot, IpPrefix ip, long atMillis) {
    boolean enforceable = slots.isActive(slot, atMillis) && slots.isVisibleAtL3(slot);
    return new KernelBan(slot, ip, slots.seq(slot), enforceable ? slots.until(slot) : NO_FLOOR);
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
            int end = Math.min(slots.end(), from + KERNEL_PIECE);
            for (int slot = from; slot < end; slot++) {
              boolean shown = forwarded ? slots.hasScope(slot, null) : slots.isVisibleAtL3(slot);
              if (shown && slots.isActive(slot, atMillis)) {
                piece.add(new KernelBan(slot, slots.ip(slot), slots.seq(slot), slots.until(slot)));
              }
            }
            return end == slots.end() ? -1 : end;
          });
      piece.forEach(visitor);
      piece.clear();
    }
  }

  /** Bytes held in arrays: what the state costs, texts left out. */
  public long sizeBytes() {
    return locked(() -> table.sizeBytes() + slots.sizeBytes() + ends.sizeBytes());
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
