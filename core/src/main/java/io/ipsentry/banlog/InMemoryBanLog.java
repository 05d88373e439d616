package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A ban log in the memory of this process: for {@code replay} and for tests. Nothing is durable.
 *
 * <p>Safe for any thread.
 */
public final class InMemoryBanLog implements BanLog, BanHistory, Checkpoints {
  /**
   * Default of the most events held; a further append is answered with {@link AppendResult.Full}.
   */
  public static final int DEFAULT_MAX_EVENTS = 10_000_000;

  private static final long POLL_MILLIS = 1_000;

  private final String id = UUID.randomUUID().toString();
  private final int maxEvents;
  private final List<SequencedEvent> events = new ArrayList<>();
  private final InMemoryCheckpoints checkpoints = new InMemoryCheckpoints();
  private final Followers followers = new Followers(POLL_MILLIS);
  private boolean closed;

  /** An empty log for {@value #DEFAULT_MAX_EVENTS} events. */
  public InMemoryBanLog() {
    this(DEFAULT_MAX_EVENTS);
  }

  /** An empty log for at most so many events. */
  public InMemoryBanLog(int maxEvents) {
    this.maxEvents = maxEvents;
  }

  @Override
  public AppendResult append(long expectedHead, List<BanEvent> batch) {
    AppendChecks.check(expectedHead, batch);
    long head;
    synchronized (events) {
      checkOpen();
      if (expectedHead != events.size()) {
        return new AppendResult.Conflict(events.size());
      }
      if (events.size() + batch.size() > maxEvents) {
        return new AppendResult.Full(
            "the ban log in memory holds " + maxEvents + " events at most");
      }
      for (BanEvent event : batch) {
        events.add(new SequencedEvent(events.size() + 1L, event));
      }
      head = events.size();
    }
    followers.appended(head);
    return new AppendResult.Appended(head);
  }

  @Override
  public List<SequencedEvent> read(long from, int max) {
    AppendChecks.checkRead(from, max);
    synchronized (events) {
      checkOpen();
      if (from > events.size()) {
        return List.of();
      }
      int first = (int) from - 1;
      int end = (int) Math.min(events.size(), (long) first + max);
      return List.copyOf(events.subList(first, end));
    }
  }

  /** Never one: all events are kept. */
  @Override
  public Optional<ActiveBans> snapshot(Instant upTo, ActiveBans.Limits limits) {
    return Optional.empty();
  }

  @Override
  public Subscription follow(long from, Sink sink) {
    return followers.follow(this::read, from, sink);
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public long head() {
    synchronized (events) {
      checkOpen();
      return events.size();
    }
  }

  @Override
  public List<SequencedEvent> history(long before, int max) {
    return newestFirst(before, max, event -> true);
  }

  @Override
  public List<SequencedEvent> history(IpPrefix ip, long before, int max) {
    return newestFirst(
        before, max, event -> AppendChecks.prefixOf(event).filter(ip::overlaps).isPresent());
  }

  @Override
  public Optional<BanEvent.Ban> lastBan(IpPrefix ip) {
    Predicate<BanEvent> same = event -> event instanceof BanEvent.Ban ban && ban.ip().equals(ip);
    return newestFirst(FROM_NEWEST, 1, same).stream()
        .map(found -> (BanEvent.Ban) found.event())
        .findFirst();
  }

  private List<SequencedEvent> newestFirst(long before, int max, Predicate<BanEvent> wanted) {
    AppendChecks.checkRead(1, max);
    List<SequencedEvent> found = new ArrayList<>();
    synchronized (events) {
      checkOpen();
      for (int i = (int) Math.min(events.size(), before - 1) - 1;
          i >= 0 && found.size() < max;
          i--) {
        if (wanted.test(events.get(i).event())) {
          found.add(events.get(i));
        }
      }
    }
    return found;
  }

  @Override
  public void save(Consumer<Changes> changes) {
    synchronized (events) {
      checkOpen();
      checkpoints.save(changes);
    }
  }

  @Override
  public Map<String, byte[]> load() {
    synchronized (events) {
      checkOpen();
      return checkpoints.load();
    }
  }

  @Override
  public Optional<byte[]> load(String name) {
    synchronized (events) {
      checkOpen();
      return checkpoints.load(name);
    }
  }

  @Override
  public void close() {
    followers.close();
    synchronized (events) {
      closed = true;
    }
  }

  private void checkOpen() {
    if (closed) {
      throw BanLogException.permanent("the ban log is closed");
    }
  }
}
