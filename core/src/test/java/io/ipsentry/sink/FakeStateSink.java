package io.ipsentry.sink;

import io.ipsentry.net.IpPrefix;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A sink in memory, with failures on demand. */
final class FakeStateSink implements StateSink {
  /** Somebody else's have no ban. */
  final TreeMap<IpPrefix, SinkEntry> there = new TreeMap<>();

  final Deque<SinkException> failures = new ArrayDeque<>();
  final Deque<SinkException> lostAnswers = new ArrayDeque<>();
  int capacity = 1_000;
  int room = Integer.MAX_VALUE;
  int calls;
  private @Nullable SinkException outage;
  private int lastId;

  /** Fails every call; null: no more. */
  void outage(@Nullable SinkException e) {
    outage = e;
  }

  void putForeign(IpPrefix target) {
    there.put(target, new SinkEntry(target, "foreign-" + ++lastId, -1, true));
  }

  List<SinkEntry> ours() {
    return there.values().stream().filter(entry -> entry.ban() >= 0).toList();
  }

  private void call() {
    calls++;
    SinkException now = outage != null ? outage : failures.poll();
    if (now != null) {
      throw now;
    }
  }

  private void answer() {
    SinkException lost = lostAnswers.poll();
    if (lost != null) {
      throw lost;
    }
  }

  @Override
  public String kind() {
    return "fake";
  }

  @Override
  public int capacity() {
    return capacity;
  }

  @Override
  public List<IpPrefix> targets(IpPrefix ban) {
    return List.of(ban);
  }

  @Override
  public List<SinkEntry> entries() {
    call();
    answer();
    return new ArrayList<>(ours());
  }

  @Override
  public Optional<SinkEntry> create(IpPrefix target, long ban) {
    call();
    SinkEntry before = there.get(target);
    if (before != null) {
      answer();
      return before.ban() < 0 ? Optional.empty() : Optional.of(before);
    }
    if (there.size() >= room) {
      throw SinkException.full("no room for more than " + room);
    }
    SinkEntry entry = new SinkEntry(target, "e" + ++lastId, ban, true);
    there.put(target, entry);
    answer();
    return Optional.of(entry);
  }

  @Override
  public Optional<SinkEntry> update(SinkEntry entry, long ban) {
    call();
    SinkEntry before = there.get(entry.target());
    if (before == null || !before.id().equals(entry.id())) {
      return Optional.empty();
    }
    SinkEntry now = new SinkEntry(entry.target(), entry.id(), ban, true);
    there.put(entry.target(), now);
    answer();
    return Optional.of(now);
  }

  @Override
  public void delete(SinkEntry entry) {
    call();
    SinkEntry before = there.get(entry.target());
    if (before != null && before.id().equals(entry.id())) {
      SinkEntry removed = there.remove(entry.target());
      if (removed == null) {
        throw new IllegalStateException("it was there");
      }
    }
    answer();
  }

  @Override
  public void close() {}
}
