package io.ipsentry.enforcer.desired;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ActiveBans.KernelBan;
import io.ipsentry.enforcer.kernel.ForwardedForFilter;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * The elements that are to be in the kernel, each with its end, worked out from the bans instead of
 * kept.
 *
 * <p>An element is a banned prefix (a ban that holds everywhere, of an address that stands in
 * packets) or a member of a feed. Where it holds an address that is protected or allowed it is
 * carved: its place is taken by the longest prefixes around what is spared. A prefix that is an
 * element for several reasons ends when the last of them does. A ban that would fall into more than
 * {@value #MAX_PIECES} pieces, or that exceeds the {@value #MAX_ALL_PIECES} pieces of all, is left
 * out and reported ({@link #leftOut}).
 *
 * <p>So an element is known by a look at the prefix alone: it holds nothing spared; and it is
 * banned, or the prefix one bit shorter holds something spared and lies in a carved ban.
 *
 * <p>Confined to one thread, while another may write the bans.
 */
public final class DesiredSet {
  /** End of what is no element. */
  public static final long NONE = ActiveBans.NO_FLOOR;

  /** End of an element that never ends. */
  public static final long FOR_EVER = ActiveBans.FOR_EVER;

  /** Most pieces of one ban. */
  public static final int MAX_PIECES = 4_096;

  /** Most pieces of all bans. */
  public static final int MAX_ALL_PIECES = 65_536;

  /** Banned prefixes that are looked at again one by one when what is spared changes. */
  static final int MAX_AFFECTED = 65_536;

  private final ActiveBans bans;
  // Banned prefixes that hold something spared, with the number of their pieces.
  private final Map<IpPrefix, Integer> carved = new HashMap<>();
  private final Set<IpPrefix> leftOut = new TreeSet<>();
  private Spared spared = Spared.NONE;
  private PrefixSet feeds = PrefixSet.empty();
  private int allPieces;
  private long nextAllowEnd = FOR_EVER;

  public DesiredSet(ActiveBans bans) {
    this.bans = bans;
  }

  /** Is shown elements. */
  @FunctionalInterface
  public interface ElementVisitor {
    /**
     * An element.
     *
     * @param untilMillis milliseconds since 1970, {@link #FOR_EVER}
     */
    void element(IpPrefix ip, long untilMillis);
  }

  /** When the element ends; {@link #NONE}: the prefix is none. */
  public long endOf(IpPrefix ip, long now) {
    return spared.overlaps(ip) ? NONE : Math.max(banEnd(ip, now), pieceEnd(ip, now));
  }

  private long banEnd(IpPrefix ip, long now) {
    if (feeds.indexOf(ip) >= 0) {
      return FOR_EVER;
    }
    KernelBan ban = bans.kernelBan(ip, now);
    return ban == null ? NONE : ban.untilMillis();
  }

  /** The end of a prefix that is a piece of carved bans; that it holds nothing spared is known. */
  private long pieceEnd(IpPrefix ip, long now) {
    if (carved.isEmpty() || ip.bits() == 0 || !spared.overlaps(ip.truncate(ip.bits() - 1))) {
      return NONE;
    }
    long end = NONE;
    for (int bits = ip.bits() - 1; bits >= 0; bits--) {
      IpPrefix around = ip.truncate(bits);
      if (carved.containsKey(around)) {
        end = Math.max(end, banEnd(around, now));
      }
    }
    return end;
  }

  /** Shows all elements; one that has several reasons may be shown several times. */
  public void forEach(long now, ElementVisitor visitor) {
    forEachBan(now, (ban, untilMillis) -> visitor.element(ban.ip(), untilMillis));
    forEachFed((index, ip) -> visitor.element(ip, FOR_EVER));
    forEachPiece(now, visitor);
  }

  /** As {@link ElementVisitor}, with the ban, which may end before the element does. */
  interface BanVisitor {
    void ban(KernelBan ban, long untilMillis);
  }

  /** Shows the elements that are whole bans. */
  void forEachBan(long now, BanVisitor visitor) {
    boolean simple = carved.isEmpty() && feeds.isEmpty();
    bans.forEachKernelBan(
        now,
        ban -> {
          if (!spared.overlaps(ban.ip())) {
            long end = simple ? ban.untilMillis() : endOf(ban.ip(), now);
            visitor.ban(ban, Math.max(end, ban.untilMillis()));
          }
        });
  }

  /** Is shown members of feeds. */
  interface FedVisitor {
    void fed(int index, IpPrefix ip);
  }

  /** Shows the elements that are whole members of feeds, with their places in {@link #feeds}. */
  void forEachFed(FedVisitor visitor) {
    List<IpPrefix> members = feeds.prefixes();
    for (int i = 0; i < members.size(); i++) {
      IpPrefix ip = members.get(i);
      if (!spared.overlaps(ip)) {
        visitor.fed(i, ip);
      }
    }
  }

  /** Shows the elements that are pieces of bans or of members of feeds. */
  void forEachPiece(long now, ElementVisitor visitor) {
    for (IpPrefix ip : carved.keySet()) {
      if (banEnd(ip, now) != NONE) {
        spared.carve(
            ip,
            MAX_PIECES,
            piece -> {
              long end = endOf(piece, now);
              if (end != NONE) {
                visitor.element(piece, end);
              }
            });
      }
    }
  }

  /**
   * The newest bans that hold everywhere and hold nothing spared, also those of addresses that
   * stand in no packet.
   *
   * @param bans the newest first
   * @param more how many there are besides
   */
  public record Newest(List<ForwardedForFilter.Ban> bans, int more) {
    public Newest {
      bans = List.copyOf(bans);
    }
  }

  /** At most so many of the newest bans. */
  public Newest newest(int max, long now) {
    int[] more = {0};
    PriorityQueue<KernelBan> newest = new PriorityQueue<>(Comparator.comparingLong(KernelBan::seq));
    bans.forEachBanEverywhere(
        now,
        ban -> {
          if (!spared.overlaps(ban.ip())) {
            newest.add(ban);
            if (newest.size() > max) {
              newest.poll();
              more[0]++;
            }
          }
        });
    return new Newest(
        newest.stream()
            .sorted(Comparator.comparingLong(KernelBan::seq).reversed())
            .map(ban -> new ForwardedForFilter.Ban(ban.ip(), ban.untilMillis()))
            .toList(),
        more[0]);
  }

  /** How many elements there are, those with several reasons counted several times. */
  public int size(long now) {
    int[] count = {allPieces};
    forEachBan(now, (ban, untilMillis) -> count[0]++);
    forEachFed((index, ip) -> count[0]++);
    return count[0];
  }

  /** Banned prefixes that are not enforced because they would fall into too many pieces. */
  public Collection<IpPrefix> leftOut() {
    return List.copyOf(leftOut);
  }

  /** Bans that are enforced around what is spared in them. */
  public int carvedBans() {
    return carved.size();
  }

  /** When an allow ends, so that {@link #refresh} must be called; {@link #FOR_EVER}: none does. */
  public long nextAllowEnd() {
    return nextAllowEnd;
  }

  PrefixSet feeds() {
    return feeds;
  }

  ActiveBans bans() {
    return bans;
  }

  /**
   * Takes notice that the bans of a prefix have changed.
   *
   * @param affected shown every prefix that may have become an element, ceased to be one, or ends
   *     at another time
   */
  public void changed(IpPrefix ip, long now, Consumer<? super IpPrefix> affected) {
    boolean wasCarved = carved.containsKey(ip);
    settle(ip, now);
    if (wasCarved || carved.containsKey(ip)) {
      spared.carve(ip, MAX_PIECES, affected);
    }
    affected.accept(ip);
  }

  /**
   * Goes by other protected prefixes and feeds, and by the allows that hold now.
   *
   * @param affected as of {@link #changed}
   * @return false: too much may have changed to be shown, {@link #rebuild} and compare everything
   */
  public boolean refresh(
      PrefixSet protectedPrefixes,
      PrefixSet newFeeds,
      long now,
      Consumer<? super IpPrefix> affected) {
    Spared after = new Spared(protectedPrefixes, allowedAt(now));
    List<IpPrefix> fed = new ArrayList<>();
    Spared.differences(feeds, newFeeds, MAX_AFFECTED + 1, fed);
    PrefixSet changed = PrefixSet.of(spared.differences(after));
    List<IpPrefix> banned = fed;
    if (!changed.isEmpty()) {
      bans.forEachKernelBan(now, ban -> addIfWithin(changed, ban.ip(), banned));
      feeds.prefixes().forEach(ip -> addIfWithin(changed, ip, banned));
    }
    boolean few = banned.size() <= MAX_AFFECTED;
    if (few) {
      banned.forEach(ip -> showElements(ip, affected));
    }
    spared = after;
    feeds = newFeeds;
    if (few) {
      for (IpPrefix ip : banned) {
        settle(ip, now);
        showElements(ip, affected);
      }
    }
    return few;
  }

  private static void addIfWithin(PrefixSet changed, IpPrefix ip, List<IpPrefix> within) {
    if (within.size() <= MAX_AFFECTED && changed.overlaps(ip)) {
      within.add(ip);
    }
  }

  private void showElements(IpPrefix ip, Consumer<? super IpPrefix> affected) {
    affected.accept(ip);
    if (carved.containsKey(ip)) {
      spared.carve(ip, MAX_PIECES, affected);
    }
  }

  private PrefixSet allowedAt(long now) {
    List<IpPrefix> allowed = new ArrayList<>();
    nextAllowEnd = FOR_EVER;
    for (ActiveBans.Allowance allowance : bans.allows(Instant.ofEpochMilli(now))) {
      allowed.add(allowance.allow().ip());
      Instant until = allowance.allow().until();
      if (until != null) {
        nextAllowEnd = Math.min(nextAllowEnd, until.toEpochMilli());
      }
    }
    return PrefixSet.of(allowed);
  }

  /** Looks at every ban anew: after a start, and when it is not known what has changed. */
  public void rebuild(long now) {
    carved.clear();
    leftOut.clear();
    allPieces = 0;
    bans.forEachKernelBan(
        now,
        ban -> {
          if (spared.overlaps(ban.ip())) {
            settle(ban.ip(), now);
          }
        });
    for (IpPrefix ip : feeds.prefixes()) {
      if (spared.overlaps(ip)) {
        settle(ip, now);
      }
    }
  }

  /** Finds out whether a prefix is a ban that must be carved, and can be. */
  private void settle(IpPrefix ip, long now) {
    Integer pieces = carved.remove(ip);
    allPieces -= pieces == null ? 0 : pieces;
    leftOut.remove(ip);
    if (banEnd(ip, now) == NONE || !spared.overlaps(ip) || spared.holds(ip)) {
      return;
    }
    int count = spared.carve(ip, Math.min(MAX_PIECES, MAX_ALL_PIECES - allPieces), piece -> {});
    if (count == Spared.TOO_MANY) {
      leftOut.add(ip);
    } else {
      carved.put(ip, count);
      allPieces += count;
    }
  }
}
