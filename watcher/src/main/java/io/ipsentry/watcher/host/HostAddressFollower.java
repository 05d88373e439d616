package io.ipsentry.watcher.host;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices when the addresses of the host change: reads them at an interval on a thread of its own
 * and hands each new reading on.
 *
 * <p>When a reading fails, the one before stays in force and a warning is logged, once until a
 * reading succeeds again. {@link #close()} may be called from any thread; no reading is handed on
 * after it.
 */
public final class HostAddressFollower implements AutoCloseable {
  /** How often the addresses are read again unless said otherwise. */
  public static final Duration INTERVAL = Duration.ofSeconds(30);

  private static final Logger logger = LoggerFactory.getLogger(HostAddressFollower.class);

  private final Supplier<HostAddresses> reader;
  private final Consumer<HostAddresses> onChange;
  private final Duration interval;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread thread;

  private HostAddressFollower(
      HostAddresses known,
      Supplier<HostAddresses> reader,
      Consumer<HostAddresses> onChange,
      Duration interval) {
    this.reader = reader;
    this.onChange = onChange;
    this.interval = interval;
    thread = Thread.ofVirtual().name("host-addresses").unstarted(() -> follow(known));
  }

  /**
   * Starts to follow.
   *
   * @param known the reading the caller has already; it is not handed on again
   * @param reader reads anew, and may throw {@link HostAddressesException}
   * @param onChange gets every reading that differs from the one before, on the follower's thread
   * @param interval time between two readings
   */
  public static HostAddressFollower start(
      HostAddresses known,
      Supplier<HostAddresses> reader,
      Consumer<HostAddresses> onChange,
      Duration interval) {
    if (known.interfaces().isEmpty()) {
      logger
          .atWarn()
          .addKeyValue("looked_for_again_after", interval)
          .log("no network interface of this host has an address yet, so none is protected");
    }
    HostAddressFollower follower = new HostAddressFollower(known, reader, onChange, interval);
    follower.thread.start();
    return follower;
  }

  private void follow(HostAddresses known) {
    HostAddresses last = known;
    boolean failing = false;
    try {
      while (!closed.await(interval.toNanos(), TimeUnit.NANOSECONDS)) {
        try {
          HostAddresses now = reader.get();
          failing = false;
          if (!now.equals(last)) {
            last = now;
            logger
                .atInfo()
                .addKeyValue("interfaces", now.interfaces())
                .addKeyValue("resolvers", now.resolvers())
                .addKeyValue("gateways", now.gateways())
                .log("addresses of this host changed");
            onChange.accept(now);
          }
        } catch (HostAddressesException e) {
          if (!failing) {
            logger
                .atWarn()
                .setCause(e)
                .log("cannot read the addresses of this host; keeping the last");
          }
          failing = true;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
