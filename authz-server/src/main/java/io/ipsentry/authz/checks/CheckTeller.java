package io.ipsentry.authz.checks;

import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import io.ipsentry.authz.verdict.RecentChecks;
import io.ipsentry.proto.v1.CheckServiceGrpc;
import io.ipsentry.proto.v1.TellChecksRequest;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the owner every {@link #INTERVAL}, on a virtual thread, what was sampled since. What cannot
 * be told is told later, as far as it is kept until then. Safe for any thread.
 */
public final class CheckTeller implements AutoCloseable {
  static final Duration INTERVAL = Duration.ofSeconds(2);
  private static final Duration DEADLINE = Duration.ofSeconds(2);
  private static final Duration MAX_CLOSE = Duration.ofSeconds(5);
  private static final Logger logger = LoggerFactory.getLogger(CheckTeller.class);

  private final Channel owner;
  private final String server;
  private final List<RecentChecks> samples;
  private final long[] told;
  private final Duration interval;
  private final Thread thread;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ending = lock.newCondition();
  private boolean closed;

  /**
   * @param owner stays the caller's to close
   * @param server unique for this start of this process
   */
  public CheckTeller(Channel owner, String server, List<RecentChecks> samples) {
    this(owner, server, samples, INTERVAL);
  }

  CheckTeller(Channel owner, String server, List<RecentChecks> samples, Duration interval) {
    this.owner = owner;
    this.server = server;
    this.samples = List.copyOf(samples);
    this.interval = interval;
    told = new long[samples.size()];
    thread = Thread.ofVirtual().name("check-teller").unstarted(this::work);
  }

  /** Begins; to be called once. */
  public CheckTeller start() {
    thread.start();
    return this;
  }

  private void work() {
    try {
      while (rest()) {
        for (int i = 0; i < told.length; i++) {
          tell(i);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Waits for the next time; false: it is closed. */
  private boolean rest() throws InterruptedException {
    lock.lock();
    try {
      long left = interval.toNanos();
      while (!closed && left > 0) {
        left = ending.awaitNanos(left);
      }
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  private void tell(int i) {
    RecentChecks.Part part = samples.get(i).since(told[i]);
    if (part.checks().isEmpty()) {
      return;
    }
    TellChecksRequest.Builder request = TellChecksRequest.newBuilder().setServer(server);
    part.checks().forEach(check -> request.addChecks(CheckMessages.toProto(check)));
    try {
      var ignored =
          CheckServiceGrpc.newBlockingStub(owner)
              .withDeadlineAfter(DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
              .tell(request.build());
      told[i] = part.taken();
    } catch (StatusRuntimeException e) {
      logger.atDebug().setCause(e).log("the owner does not take the sample of checks");
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      ending.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      thread.join(MAX_CLOSE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
