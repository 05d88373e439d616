package io.ipsentry.watcher.sink.cloudflare;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import io.ipsentry.sink.SinkException;
import io.ipsentry.watcher.sink.call.Waiting;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * What all sinks of one credential may ask of Cloudflare together: 1,200 requests within 5 minutes
 * are allowed to a user, and whoever makes more gets nothing for 5 minutes. And when none of the
 * last calls went well, nobody calls for half a minute. Safe for any thread.
 */
public final class CredentialBudget {
  /** Requests of one period. */
  static final int REQUESTS = 19;

  /** So that in no 5 minutes, wherever they begin, there are more than 61 × 19 = 1,159. */
  static final Duration PERIOD = Duration.ofSeconds(5);

  private static final Duration LONGEST_WAIT = Duration.ofMinutes(5);
  private static final Duration OPEN = Duration.ofSeconds(30);
  private static final int WINDOW = 5;

  private final Pace pace;
  private final Waiting waiting;
  private final CircuitBreaker breaker;

  /** Says how long to wait before the next request, which is then counted. */
  @FunctionalInterface
  public interface Pace {
    /** Nanoseconds; negative: there is no place for it in sight. */
    long reserve();
  }

  /** By real time. */
  public CredentialBudget() {
    this(pace(), Waiting.ASLEEP, System::nanoTime);
  }

  /** By another time. */
  CredentialBudget(Pace pace, Waiting waiting, LongSupplier nanoTime) {
    this.pace = pace;
    this.waiting = waiting;
    breaker =
        CircuitBreaker.of(
            "cloudflare",
            CircuitBreakerConfig.custom()
                .slidingWindowType(CircuitBreakerConfig.SlidingWindowType.COUNT_BASED)
                .slidingWindowSize(WINDOW)
                .minimumNumberOfCalls(WINDOW)
                .failureRateThreshold(100)
                .permittedNumberOfCallsInHalfOpenState(1)
                .waitDurationInOpenState(OPEN)
                .clock(new ElapsedTime(nanoTime))
                .build());
  }

  /** Monotonic time as the breaker wants it: a wall clock that is set must not keep it open. */
  private static final class ElapsedTime extends Clock {
    private final LongSupplier nanoTime;

    ElapsedTime(LongSupplier nanoTime) {
      this.nanoTime = nanoTime;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }

    @Override
    public Instant instant() {
      return Instant.EPOCH.plusNanos(nanoTime.getAsLong());
    }
  }

  static Pace pace() {
    RateLimiter limiter =
        RateLimiter.of(
            "cloudflare",
            RateLimiterConfig.custom()
                .limitForPeriod(REQUESTS)
                .limitRefreshPeriod(PERIOD)
                .timeoutDuration(LONGEST_WAIT)
                .build());
    return limiter::reservePermission;
  }

  /**
   * Waits until a request may be made.
   *
   * @throws SinkException transient, if nobody is to call for now
   */
  void acquire() {
    if (!breaker.tryAcquirePermission()) {
      throw SinkException.busy("the last calls of Cloudflare all failed", OPEN);
    }
    boolean ready = false;
    try {
      long nanos = pace.reserve();
      if (nanos < 0) {
        throw SinkException.busy("too many requests wait for Cloudflare", PERIOD);
      }
      if (nanos > 0) {
        waiting.await(Duration.ofNanos(nanos));
      }
      ready = true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw SinkException.transientFailure("the wait for Cloudflare was broken off", null);
    } finally {
      if (!ready) {
        breaker.releasePermission();
      }
    }
  }

  /** The request that was {@link #acquire}d was answered as it should be, or not. */
  void answered(boolean well) {
    if (well) {
      breaker.onSuccess(0, TimeUnit.NANOSECONDS);
    } else {
      breaker.onError(0, TimeUnit.NANOSECONDS, new IllegalStateException("no good answer"));
    }
  }
}
