package io.ipsentry.enforcer.sync;

import io.ipsentry.enforcer.kernel.PacketFilter.DropCounters;
import io.ipsentry.enforcer.kernel.PacketFilterException;
import io.ipsentry.net.IpPrefix;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the loop did; it writes, any thread reads {@link #status}. */
final class SyncRecord {
  private final Map<PacketFilterException.Cause, Long> failures =
      new EnumMap<>(PacketFilterException.Cause.class);
  private String backend = "";
  private boolean known;
  private EnforcerStatus.@Nullable Failure failure;
  private int decided;
  private int enforced;
  private ReadBack lastRead = new ReadBack(0, 0, 0);
  private DropCounters drops = new DropCounters(0, 0, 0, 0);
  private @Nullable Instant lastSync;
  private Duration lastDuration = Duration.ZERO;
  private long syncs;
  private long repairs;
  private long mended;
  private List<String> lastMended = List.of();
  private int carvedBans;
  private Collection<IpPrefix> leftOut = List.of();
  private long head;
  private String mismatch = "";
  private int headersLeftOut;

  /** What a read-back found. */
  record ReadBack(int missing, int foreign, int wrongEnd) {
    int repairs() {
      return missing + foreign + wrongEnd;
    }
  }

  synchronized void opened(String name) {
    backend = name;
  }

  synchronized void known() {
    known = true;
  }

  synchronized void decided(int elements, int carved, Collection<IpPrefix> left) {
    decided = elements;
    carvedBans = carved;
    leftOut = left;
  }

  synchronized int decided() {
    return decided;
  }

  /** What {@code ensure} had to do; at the first time of a process that is no repair. */
  synchronized void mended(List<String> what) {
    if (syncs > 0 && !what.isEmpty()) {
      mended += what.size();
      lastMended = what;
    }
  }

  /**
   * A read-back has ended.
   *
   * @param expected whether what it found is what has become of the bans, and not what others did
   */
  synchronized void read(
      ReadBack read, int elements, DropCounters counters, Duration duration, boolean expected) {
    lastRead = read;
    drops = counters;
    lastDuration = duration;
    enforced = elements;
    repairs += expected ? 0 : read.repairs();
    syncs++;
  }

  /**
   * Changes were applied.
   *
   * @param more elements than before
   */
  synchronized void applied(int more, int carved, Collection<IpPrefix> left) {
    enforced += more;
    decided(decided + more, carved, left);
  }

  synchronized boolean hasRead() {
    return syncs > 0;
  }

  synchronized void mismatch(Optional<String> why) {
    mismatch = why.orElse("");
  }

  synchronized void headersLeftOut(int left) {
    headersLeftOut = left;
  }

  /** The kernel is as desired, up to an event. */
  synchronized void inSync(Instant at, long upTo) {
    lastSync = at;
    head = upTo;
    failure = null;
  }

  /** Returns whether this is news. */
  synchronized boolean failed(PacketFilterException e, Instant at) {
    failures.merge(e.kind(), 1L, Long::sum);
    EnforcerStatus.Failure before = failure;
    String message = String.valueOf(e.getMessage());
    failure = new EnforcerStatus.Failure(e.kind(), message, before == null ? at : before.since());
    return before == null || !before.message().equals(message);
  }

  synchronized EnforcerStatus status(int waiting, Duration lag) {
    return new EnforcerStatus(
        backend,
        known,
        Optional.ofNullable(failure),
        decided,
        enforced,
        lastRead.missing(),
        lastRead.foreign(),
        lastRead.wrongEnd(),
        drops,
        Optional.ofNullable(lastSync),
        lastDuration,
        syncs,
        repairs,
        mended,
        lastMended,
        failures,
        carvedBans,
        leftOut,
        mismatch,
        headersLeftOut,
        head,
        waiting,
        lag);
  }
}
