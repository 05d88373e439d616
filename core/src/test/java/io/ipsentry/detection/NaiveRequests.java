package io.ipsentry.detection;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What detection of requests should do, said as plainly as possible. */
final class NaiveRequests {
  private final int[] thresholds;

  /** Times of the hits of each rule and address that may still count. */
  private Map<List<Integer>, List<Long>> hits = new HashMap<>();

  /** Bans that hold and are not known to be in the log. */
  private List<Pending> pending = new ArrayList<>();

  /** What the state of the log knows of an address. */
  private final Map<Integer, Standing> standings = new HashMap<>();

  private final Map<Integer, Boolean> allowed = new HashMap<>();

  /** What is in the log, but was not read yet. */
  private final List<Runnable> unread = new ArrayList<>();

  private final List<String> log = new ArrayList<>();
  private Map<List<Integer>, List<Long>> storedHits = new HashMap<>();
  private List<Pending> storedPending = new ArrayList<>();

  private record Pending(int address, long evidenceAt, long until) {}

  /**
   * @param until end of the last ban, or time of the unban after it
   */
  private record Standing(long until, boolean unbanned) {}

  NaiveRequests(int... thresholds) {
    this.thresholds = thresholds;
  }

  static String ban(int address, @Nullable Instant until) {
    return address + " until " + until;
  }

  boolean request(int rule, int address, long now) {
    if (allowed.getOrDefault(address, false)) {
      return true;
    }
    if (isBanned(address, now)) {
      return false;
    }
    if (now <= floor(address)) {
      return true;
    }
    List<Long> times = hits.computeIfAbsent(List.of(rule, address), k -> new ArrayList<>());
    long floor = floor(address);
    times.removeIf(time -> time <= floor || now - time >= Inline.WINDOW.toMillis());
    times.add(now);
    if (times.size() < thresholds[rule]) {
      return true;
    }
    times.clear();
    pending.add(new Pending(address, now, now + Inline.BAN.toMillis()));
    return false;
  }

  private boolean isBanned(int address, long now) {
    boolean waiting = pending.stream().anyMatch(p -> p.address() == address && now < p.until());
    Standing standing = standings.get(address);
    return waiting || standing != null && !standing.unbanned() && now < standing.until();
  }

  private long floor(int address) {
    long floor = Long.MIN_VALUE;
    for (Pending waiting : pending) {
      if (waiting.address() == address) {
        floor = Math.max(floor, waiting.until() - 1);
      }
    }
    Standing standing = standings.get(address);
    return standing == null ? floor : Math.max(floor, standing.until());
  }

  void unban(int address, long now) {
    standings.put(address, new Standing(now, true));
  }

  void ban(int address, long until) {
    standings.put(address, new Standing(until, false));
  }

  void allow(int address, boolean now) {
    allowed.put(address, now);
  }

  /** The state has read the whole log. */
  void caughtUp() {
    unread.forEach(Runnable::run);
    unread.clear();
  }

  private boolean isWanted(Pending ban) {
    Standing standing = standings.get(ban.address());
    boolean old = standing != null && ban.evidenceAt() <= standing.until();
    return !allowed.getOrDefault(ban.address(), false) && !old;
  }

  /** The thread that appends has its turn. */
  void round(FlakyBanLog.Outcome outcome, long now) {
    if (pending.isEmpty()) {
      return;
    }
    caughtUp();
    List<Pending> wanted = pending.stream().filter(this::isWanted).toList();
    if (wanted.isEmpty() || outcome == FlakyBanLog.Outcome.WORKS) {
      wanted.forEach(this::append);
      caughtUp();
      pending.clear();
      return;
    }
    pending.removeIf(ban -> !isWanted(ban) || ban.until() <= now);
    if (outcome == FlakyBanLog.Outcome.ANSWER_LOST) {
      wanted.forEach(this::append);
    }
  }

  private void append(Pending ban) {
    log.add(ban(ban.address(), Instant.ofEpochMilli(ban.until())));
    unread.add(() -> ban(ban.address(), ban.until()));
  }

  List<String> log() {
    return log;
  }

  void checkpoint() {
    storedHits = copy(hits);
    storedPending = new ArrayList<>(pending);
  }

  void kill() {
    caughtUp();
    hits = copy(storedHits);
    pending = new ArrayList<>(storedPending);
  }

  private static Map<List<Integer>, List<Long>> copy(Map<List<Integer>, List<Long>> hits) {
    Map<List<Integer>, List<Long>> copy = new HashMap<>();
    hits.forEach((key, times) -> copy.put(key, new ArrayList<>(times)));
    return copy;
  }
}
