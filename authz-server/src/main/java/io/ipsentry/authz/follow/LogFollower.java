package io.ipsentry.authz.follow;

import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.WatchRequest;
import io.ipsentry.proto.v1.WatchResponse;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the bans of this process up to date with the log of another one.
 *
 * <p>It is synced when it has read the whole log once; from then on it serves what it knows, also
 * while the owner is away, and {@link #age} tells how old that is. A lost connection is made again
 * after 100 ms to 2 s, and goes on where it was. It begins each time with the last event that it
 * has: where the owner has another event there, or none, the log was replaced. Then nothing more is
 * taken, for half of one log and half of another would be neither; {@link #problem} says so, and
 * the process is to be started again. Safe for any thread.
 */
public final class LogFollower implements AutoCloseable {
  /** The owner tells its head every 2 s; a connection that is silent for longer has gone. */
  private static final Duration SILENCE = Duration.ofSeconds(10);

  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);
  private static final Duration QUIET = Duration.ofMinutes(1);
  private static final Duration MAX_CLOSE = Duration.ofSeconds(5);

  private static final Logger logger = LoggerFactory.getLogger(LogFollower.class);

  private final Parts parts;
  private final Backoff backoff;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final LongAdder connections = new LongAdder();
  private final Thread thread;

  // Written under the lock.
  private @Nullable Session session;
  private @Nullable SequencedEvent last;
  private volatile boolean synced;
  private volatile boolean connected;
  private volatile boolean closed;
  private volatile long currentAt;
  private volatile long ownerHead;
  private volatile String problem = "";
  private long quietUntil;

  /**
   * What it works with.
   *
   * @param channel leads to the owner
   * @param connectNow lets the channel connect again at once
   * @param state is filled; nobody else may write it
   * @param observer is shown every event once, in order
   * @param nanoTicker elapsed time, nanoseconds
   * @param random spreads attempts to connect
   */
  public record Parts(
      Channel channel,
      Runnable connectNow,
      ActiveBans state,
      Consumer<BanEvent> observer,
      LongSupplier nanoTicker,
      RandomGenerator random) {}

  public LogFollower(Parts parts) {
    this.parts = parts;
    backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, parts.random());
    currentAt = parts.nanoTicker().getAsLong();
    thread = Thread.ofVirtual().name("log-follower").unstarted(this::work);
  }

  /** Begins to follow; to be called once. */
  public LogFollower start() {
    thread.start();
    return this;
  }

  /** The fold of the log as far as it is known here; always the same object. */
  public ActiveBans bans() {
    return parts.state();
  }

  /** Whether the whole log was read once. */
  public boolean isSynced() {
    return synced;
  }

  /** How long ago the state was last known to be all of the log; before that, since the start. */
  public Duration age() {
    return Duration.ofNanos(parts.nanoTicker().getAsLong() - currentAt);
  }

  /** Whether the owner answers. */
  public boolean isConnected() {
    return connected;
  }

  /** Number of the last event of the owner's log, as it told last. */
  public long ownerHead() {
    return ownerHead;
  }

  /** Times it connected. */
  public long connections() {
    return connections.sum();
  }

  /** Why it follows no longer, for people; empty: it follows, or tries to. */
  public String problem() {
    return problem;
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      thread.join(MAX_CLOSE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- the thread that keeps the connection

  private void work() {
    try {
      while (!closed && problem.isEmpty()) {
        Status end = follow();
        if (!closed && problem.isEmpty()) {
          sayLost(end);
          pause(backoff.next());
          parts.connectNow().run();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** One connection; returns why it has ended. */
  private Status follow() throws InterruptedException {
    Session running = new Session();
    lock.lock();
    try {
      session = running;
      SequencedEvent known = last;
      long from = known == null ? 1 : known.seq();
      BanServiceGrpc.newStub(parts.channel())
          .watch(WatchRequest.newBuilder().setFromSeq(from).setProgress(true).build(), running);
      while (running.end == null && !closed && !running.isSilent()) {
        var ignored = changed.awaitNanos(SILENCE.toNanos() / 10);
      }
      Status end = running.end;
      return end != null
          ? end
          : Status.DEADLINE_EXCEEDED.withDescription("the owner said nothing for too long");
    } catch (RuntimeException e) {
      // Such as a token file that cannot be read: tried again, somebody may mend it.
      return Status.fromThrowable(e);
    } finally {
      session = null;
      connected = false;
      lock.unlock();
      running.cancel();
    }
  }

  private void pause(Duration time) throws InterruptedException {
    lock.lock();
    try {
      long left = time.toNanos();
      while (!closed && left > 0) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  private void sayLost(Status end) {
    long now = parts.nanoTicker().getAsLong();
    if (quietUntil == 0 || now - quietUntil >= 0) {
      quietUntil = now + QUIET.toNanos();
      logger
          .atWarn()
          .addKeyValue("status", end.getCode())
          .addKeyValue("description", end.getDescription())
          .addKeyValue("head", parts.state().head())
          .addKeyValue("synced", synced)
          .log("the owner of the log cannot be reached; what is known holds");
    }
  }

  private void replaced(String why) {
    problem =
        "the owner has another log than the one that was followed ("
            + why
            + "); start this process again";
    logger.atError().addKeyValue("why", why).log("the owner's log was replaced");
  }

  /** One call of {@code Watch}. */
  private final class Session implements ClientResponseObserver<WatchRequest, WatchResponse> {
    private volatile @Nullable ClientCallStreamObserver<WatchRequest> call;
    private volatile long heardAt = parts.nanoTicker().getAsLong();
    private volatile @Nullable Status end;
    private boolean toldHead;

    @Override
    public void beforeStart(ClientCallStreamObserver<WatchRequest> requests) {
      call = requests;
    }

    boolean isSilent() {
      return parts.nanoTicker().getAsLong() - heardAt > SILENCE.toNanos();
    }

    void cancel() {
      ClientCallStreamObserver<WatchRequest> running = call;
      if (running != null && end == null) {
        running.cancel("not followed any longer", null);
      }
    }

    @Override
    public void onNext(WatchResponse response) {
      lock.lock();
      try {
        if (session != this || closed || !problem.isEmpty()) {
          return;
        }
        heardAt = parts.nanoTicker().getAsLong();
        if (!connected) {
          connected();
        }
        if (response.hasEvent()) {
          event(WireMessages.event(response.getEvent()));
        } else {
          ownerHead = response.getHead();
          toldHead = true;
        }
        if (parts.state().head() >= ownerHead) {
          current();
        }
      } catch (IllegalArgumentException e) {
        // An event of a kind that this version does not know cannot be left out.
        logger.atError().setCause(e).log("an event of the owner cannot be understood");
        end = Status.UNIMPLEMENTED.withDescription(e.getMessage());
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }

    private void connected() {
      connected = true;
      connections.increment();
      backoff.succeeded();
      quietUntil = 0;
      logger.atInfo().addKeyValue("head", parts.state().head()).log("the owner's log is followed");
    }

    private void event(SequencedEvent event) {
      SequencedEvent known = last;
      if (known != null && event.seq() == known.seq()) {
        if (!event.equals(known)) {
          replaced("event " + event.seq() + " is another one");
          changed.signalAll();
        }
        return;
      }
      parts.state().apply(event);
      parts.observer().accept(event.event());
      last = event;
      ownerHead = Math.max(ownerHead, event.seq());
    }

    private void current() {
      currentAt = parts.nanoTicker().getAsLong();
      // An event alone does not say that there are no more.
      if (!synced && toldHead) {
        synced = true;
        logger.atInfo().addKeyValue("head", parts.state().head()).log("the whole log is known");
      }
    }

    @Override
    public void onError(Throwable cause) {
      Status status = Status.fromThrowable(cause);
      lock.lock();
      try {
        if (session == this
            && cause instanceof StatusRuntimeException
            && status.getCode() == Status.Code.OUT_OF_RANGE) {
          replaced(String.valueOf(status.getDescription()));
        }
        end = status;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void onCompleted() {
      onError(Status.UNAVAILABLE.withDescription("the owner ended the watch").asRuntimeException());
    }
  }
}
