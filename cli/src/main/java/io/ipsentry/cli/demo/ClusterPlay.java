package io.ipsentry.cli.demo;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All clients of a cluster at work for a bounded time, each at its rate whatever became of its
 * requests before, a virtual thread a request.
 */
public final class ClusterPlay implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(ClusterPlay.class);

  /** A request of an attacker that is not answered by then was dropped. */
  private static final Duration DROPPED_AFTER = Duration.ofSeconds(2);

  /** The others wait for longer: a slow machine is no refusal. */
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** For so long an attacker goes on who should be refused everywhere, and is not yet. */
  private static final Duration EXTENSION = Duration.ofSeconds(60);

  /** Requests without an answer at once; a client that would have more waits. */
  private static final int MAX_OPEN = 2_000;

  private static final Duration LOOK_AT_LOG = Duration.ofMillis(100);

  private final ClusterStage stage;
  private final int probing;
  private final Duration length;
  private final Instant begunAt;
  private final long begun = System.nanoTime();
  private final List<ClusterTrack> tracks = new ArrayList<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final Semaphore open = new Semaphore(MAX_OPEN);
  private final List<Thread> senders = new ArrayList<>();
  private final List<SequencedEvent> events = new ArrayList<>();
  private final long headBefore;
  private volatile boolean stopped;

  private ClusterPlay(
      ClusterStage stage, int probing, Duration length, int slots, InstantSource clock) {
    this.stage = stage;
    this.probing = probing;
    this.length = length;
    headBefore = stage.events().stream().mapToLong(SequencedEvent::seq).max().orElse(0);
    begunAt = clock.instant();
    stage
        .cast()
        .forEach(
            client -> tracks.add(new ClusterTrack(client, stage.nodes().size(), slots, length)));
  }

  /**
   * Begins.
   *
   * @param probing requests a second of each prober
   * @param slots of a track
   */
  public static ClusterPlay start(
      ClusterStage stage, int probing, Duration length, int slots, InstantSource clock) {
    ClusterPlay play = new ClusterPlay(stage, probing, length, slots, clock);
    for (ClusterTrack track : play.tracks) {
      String name = track.client().name();
      play.senders.add(Thread.ofVirtual().name(name).start(() -> play.send(track)));
    }
    play.threads.execute(play::follow);
    return play;
  }

  /** In the order of the cast. */
  public List<ClusterTrack> tracks() {
    return tracks;
  }

  /** When it began, by the wall clock. */
  public Instant begunAt() {
    return begunAt;
  }

  /** Events of the log since it began, as far as they are known, from an index on. */
  public List<SequencedEvent> eventsFrom(int index) {
    synchronized (events) {
      return List.copyOf(events.subList(Math.min(index, events.size()), events.size()));
    }
  }

  /** Waits until all requests are done, at most so long. */
  public boolean awaitEnd(Duration atMost) throws InterruptedException {
    long end = System.nanoTime() + atMost.toNanos();
    for (Thread sender : senders) {
      if (!sender.join(left(end))) {
        return false;
      }
    }
    if (!open.tryAcquire(MAX_OPEN, left(end).toNanos(), TimeUnit.NANOSECONDS)) {
      return false;
    }
    open.release(MAX_OPEN);
    look();
    return true;
  }

  private static Duration left(long end) {
    return Duration.ofNanos(Math.max(1_000_000, end - System.nanoTime()));
  }

  private void send(ClusterTrack track) {
    ClusterClient client = track.client();
    long interval = Duration.ofSeconds(1).toNanos() / client.perSecond(probing);
    long requests = length.toNanos() / interval;
    for (int i = 0; !stopped && (i < requests || goesOn(track)); i++) {
      long due = i * interval;
      for (long wait = due - since(); wait > 0 && !stopped; wait = due - since()) {
        LockSupport.parkNanos(wait);
      }
      if (stopped || since() > length.toNanos() && !goesOn(track)) {
        return;
      }
      int number = i;
      if (!hasRoom()) {
        return;
      }
      threads.execute(() -> ask(track, number));
    }
  }

  /**
   * Where the machine has other work, an attacker may need longer until he is banned everywhere.
   */
  private boolean goesOn(ClusterTrack track) {
    return track.client().hostile()
        && !track.isRight()
        && since() < length.plus(EXTENSION).toNanos();
  }

  private boolean hasRoom() {
    try {
      open.acquire();
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void ask(ClusterTrack track, int number) {
    try {
      ClusterClient client = track.client();
      int node = number % stage.nodes().size();
      int round = number / stage.nodes().size();
      long sent = since();
      String address = client.addresses().get(number % client.addresses().size());
      OptionalInt status =
          stage.ask(
              address,
              node,
              client.targets().get(round % client.targets().size()),
              client.claims().isEmpty() ? Map.of() : Map.of("X-Forwarded-For", client.claims()),
              client.hostile() ? DROPPED_AFTER : PATIENCE);
      if (stopped) {
        return;
      }
      if (status.isPresent()) {
        track.answer(node, sent, since(), status.getAsInt());
      } else if (wasBanned(address, sent) && stage.drops(node, address)) {
        track.nodes().get(node).drop(sent);
      } else {
        track.nodes().get(node).late();
      }
    } finally {
      open.release();
    }
  }

  /** Whether a ban of an address was decided before a request was sent. */
  private boolean wasBanned(String address, long sent) {
    IpPrefix ip = IpPrefix.parse(address);
    Instant at = begunAt.plusNanos(sent);
    return eventsFrom(0).stream()
        .anyMatch(event ->
            event.event() instanceof BanEvent.Ban ban
                && ban.ip().contains(ip)
                && !ban.at().isAfter(at));
  }

  private long since() {
    return System.nanoTime() - begun;
  }

  private void follow() {
    while (!stopped) {
      look();
      LockSupport.parkNanos(LOOK_AT_LOG.toNanos());
    }
  }

  private void look() {
    List<SequencedEvent> all = stage.events();
    synchronized (events) {
      long known = events.isEmpty() ? headBefore : events.getLast().seq();
      all.stream().filter(event -> event.seq() > known).forEach(events::add);
    }
  }

  /** Ends all clients. */
  @Override
  public void close() {
    stopped = true;
    senders.forEach(Thread::interrupt);
    threads.shutdownNow();
    boolean ended = false;
    try {
      ended = threads.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (!ended) {
      logger.atDebug().log("clients still wait for their answers");
    }
  }
}
