package io.ipsentry.authz.verdict;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * Says in the log of the process who was refused, in a sample: so many a second, and how many were
 * left out since. Queries are left out, they may hold secrets. Safe for any thread; shared by all
 * transports.
 */
public final class DenialLog {
  private static final long SECOND = 1_000_000_000L;
  private static final int MAX_TARGET_BYTES = 256;
  private static final Logger logger = LoggerFactory.getLogger(DenialLog.class);

  private final LongSupplier nanoTicker;
  private final AtomicLong secondBegan;
  private final AtomicLong saidThisSecond = new AtomicLong();
  private final AtomicLong leftOut = new AtomicLong();

  /**
   * @param nanoTicker elapsed time, nanoseconds
   */
  public DenialLog(LongSupplier nanoTicker) {
    this.nanoTicker = nanoTicker;
    this.secondBegan = new AtomicLong(nanoTicker.getAsLong());
  }

  void denied(String policy, GatewayRequest request, Denial denial, int perSecond) {
    if (!maySay(perSecond)) {
      leftOut.incrementAndGet();
      return;
    }
    LoggingEventBuilder line =
        logger
            .atInfo()
            .addKeyValue("ip", denial.client())
            .addKeyValue("ban_id", denial.banId())
            .addKeyValue("rule", denial.rule())
            .addKeyValue("reason", denial.reason())
            .addKeyValue("until", denial.until())
            .addKeyValue("policy", policy)
            .addKeyValue("method", request.method())
            .addKeyValue("host", request.host())
            .addKeyValue("path", path(request));
    long before = leftOut.getAndSet(0);
    (before > 0 ? line.addKeyValue("left_out_before", before) : line).log("refused");
  }

  private boolean maySay(int perSecond) {
    long now = nanoTicker.getAsLong();
    long began = secondBegan.get();
    if (now - began >= SECOND && secondBegan.compareAndSet(began, now)) {
      saidThisSecond.set(0);
    }
    return saidThisSecond.get() < perSecond && saidThisSecond.incrementAndGet() <= perSecond;
  }

  private static String path(GatewayRequest request) {
    byte[] bytes = request.target().array();
    int from = request.target().from();
    int end = Math.min(request.target().to(), from + MAX_TARGET_BYTES);
    int to = from;
    while (to < end && bytes[to] != '?' && bytes[to] != '#') {
      to++;
    }
    return to <= from ? "" : new String(bytes, from, to - from, StandardCharsets.UTF_8);
  }
}
