package io.ipsentry.authz.follow;

import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.ipsentry.authz.admin.ApiErrors;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.InvalidSnapshotException;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.WatchRequest;
import io.ipsentry.proto.v1.WatchResponse;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the bans of this process up to date with the log of another one: what every process that
 * acts on bans and does not keep the log itself uses. The state is in {@link Parts#state}; whoever
 * derives something from it (sets of the kernel, say) hears of each change as a {@link Listener}.
 *
 * <ul>
 *   <li><b>Start.</b> It takes a snapshot of the owner's state and goes on with the events behind
 *       it, so it does not matter that the first events are long gone. When it has come to the head
 *       it is <em>synced</em>; from then on it serves what it knows, also while the owner is away,
 *       and {@link #age} tells how old that is.
 *   <li><b>Connection lost.</b> It is made again after 100 ms to 2 s, and goes on where it was.
 *   <li><b>Left behind.</b> Where the owner no longer keeps the events that come next (it was away
 *       for as long as {@code store.keepHistory}, or reads too slowly), it takes a snapshot again.
 *       The old state holds until the new one is whole, and is replaced at once: at no moment a ban
 *       is missing that both have.
 *   <li><b>Another log.</b> Where the owner's log has another name, another event at the place of
 *       the last one known, or does not go so far, it was replaced. Then nothing more is taken, for
 *       half of one log and half of another would be neither; {@link #problem} says so, and the
 *       process is to be started again.
 * </ul>
 *
 * <p>Safe for any thread.
 */
public final class LogFollower implements FollowedLog {
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
  private final LongAdder snapshots = new LongAdder();
  private final Thread thread;

  // Written under the lock.
  private @Nullable Session session;
  private @Nullable SequencedEvent last;
  private String logId = "";
  private volatile boolean needsState = true;
  private boolean stopped;
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
   * @param listener is told what changes
   * @param nanoTicker elapsed time, nanoseconds
   * @param random spreads attempts to connect
   */
  public record Parts(
      Channel channel,
      Runnable connectNow,
      ActiveBans state,
      Listener listener,
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

  @Override
  public ActiveBans bans() {
    return parts.state();
  }

  @Override
  public boolean isSynced() {
    return synced;
  }

  @Override
  public Duration age() {
    return Duration.ofNanos(parts.nanoTicker().getAsLong() - currentAt);
  }

  @Override
  public boolean isConnected() {
    return connected;
  }

  @Override
  public long ownerHead() {
    return ownerHead;
  }

  @Override
  public long connections() {
    return connections.sum();
  }

  @Override
  public long snapshots() {
    return snapshots.sum();
  }

  @Override
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
    // It may be waiting for a snapshot.
    thread.interrupt();
    try {
      thread.join(MAX_CLOSE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // ---- the thread that keeps the connection

  private void work() {
    try {
      while (!isOver()) {
        Status end = needsState ? takeState() : null;
        if (end == null && !isOver()) {
          end = follow();
        }
        if (!isOver()) {
          if (end != null) {
            sayLost(end);
          }
          pause(backoff.next());
          parts.connectNow().run();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isOver() {
    lock.lock();
    try {
      return closed || stopped;
    } finally {
      lock.unlock();
    }
  }

  /** Begins with the owner's state of now; returns why that did not work, or null. */
  private @Nullable Status takeState() {
    OwnerState taken;
    try {
      taken = OwnerState.ask(parts.channel(), logId, parts.state().head(), parts.state().limits());
    } catch (StatusRuntimeException e) {
      return refused(e);
    } catch (InvalidSnapshotException e) {
      logger.atError().setCause(e).log("the snapshot of the owner cannot be read");
      return Status.DATA_LOSS.withDescription(e.getMessage());
    } catch (RuntimeException e) {
      // Such as a token file that cannot be read: tried again, somebody may mend it.
      return Status.fromThrowable(e);
    }
    lock.lock();
    try {
      parts.state().become(taken.bans());
      logId = taken.logId();
      last = taken.last();
      needsState = false;
      problem = "";
      snapshots.increment();
      logger
          .atInfo()
          .addKeyValue("head", parts.state().head())
          .addKeyValue("log", logId)
          .log("the owner's state was taken");
      parts.listener().replaced(parts.state());
      return null;
    } finally {
      lock.unlock();
    }
  }

  private Status refused(StatusRuntimeException failure) {
    Status status = failure.getStatus();
    if (isOtherLog(failure)) {
      replaced(String.valueOf(status.getDescription()));
    } else if (status.getCode() == Status.Code.UNIMPLEMENTED) {
      problem =
          "the owner gives no snapshot of its state, so it is an older ip-sentry than this one;"
              + " upgrade it";
    }
    return status;
  }

  /** Whether a watch that ended so is only to be begun elsewhere; under the lock. */
  private boolean goesOnAfter(StatusRuntimeException failure) {
    OptionalLong firstKept = ApiErrors.firstKept(failure);
    if (isOtherLog(failure)) {
      replaced(String.valueOf(failure.getStatus().getDescription()));
    }
    if (firstKept.isEmpty()) {
      return false;
    }
    if (firstKept.getAsLong() <= parts.state().head() + 1) {
      // Only the last event has gone, by which the log is compared; none is missed.
      last = null;
    } else {
      needsState = true;
      logger
          .atWarn()
          .addKeyValue("head", parts.state().head())
          .addKeyValue("firstKept", firstKept.getAsLong())
          .log("what comes next is no longer in the owner's log; its state is taken anew");
    }
    return true;
  }

  private static boolean isOtherLog(StatusRuntimeException failure) {
    Optional<ApiErrors.Reason> reason = ApiErrors.reason(failure);
    return reason.equals(Optional.of(ApiErrors.Reason.OTHER_LOG))
        || (reason.equals(Optional.of(ApiErrors.Reason.NOT_IN_THE_LOG))
            && ApiErrors.firstKept(failure).isEmpty());
  }

  /** One connection; returns why it has ended, or null: to be gone on with. */
  private @Nullable Status follow() throws InterruptedException {
    Session running = new Session();
    lock.lock();
    try {
      session = running;
      // The last event that is known comes again, to see that it is the same.
      SequencedEvent known = last;
      long from = known == null ? parts.state().head() + 1 : known.seq();
      BanServiceGrpc.newStub(parts.channel())
          .watch(
              WatchRequest.newBuilder().setFromSeq(from).setProgress(true).setLogId(logId).build(),
              running);
      while (running.end == null && !closed && !stopped && !running.isSilent()) {
        var ignored = changed.awaitNanos(SILENCE.toNanos() / 10);
      }
      if (running.goesOn) {
        return null;
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
    lock.lock();
    try {
      stopped = true;
      problem =
          "the owner has another log than the one that was followed ("
              + why
              + "); start this process again";
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    logger.atError().addKeyValue("why", why).log("the owner's log was replaced");
  }

  /** One call of {@code Watch}. */
  private final class Session implements ClientResponseObserver<WatchRequest, WatchResponse> {
    private volatile @Nullable ClientCallStreamObserver<WatchRequest> call;
    private volatile long heardAt = parts.nanoTicker().getAsLong();
    private volatile @Nullable Status end;
    private boolean toldHead;

    /** Written under the lock. */
    private boolean goesOn;

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
        if (session != this || closed || stopped || needsState) {
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
        }
        return;
      }
      parts.state().apply(event);
      last = event;
      parts.listener().applied(event);
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
        if (session == this && cause instanceof StatusRuntimeException failure) {
          goesOn = goesOnAfter(failure);
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
