package io.ipsentry.authz.admin;

import java.time.Duration;
import java.util.stream.Stream;

/**
 * Bounds of an admin server.
 *
 * @param calls most unary calls at once
 * @param streams most streams at once
 * @param callTime a unary call is answered with {@code DEADLINE_EXCEEDED} after this time; what it
 *     began goes on, and keeps its place among {@code calls} until it ends
 * @param watchStall a watcher that takes no event for so long, while there is one, is cut; so is a
 *     reader of a snapshot that takes none of it
 * @param recheck so often it is looked whether the caller of a stream over TCP still may; one who
 *     may not any more is cut
 */
public record AdminLimits(
    int calls, int streams, Duration callTime, Duration watchStall, Duration recheck) {
  /**
   * 64 calls of 20 s (the operator commands wait 30 s), 256 streams, cut after 30 s without
   * progress, looked at again each minute.
   */
  public static final AdminLimits DEFAULT =
      new AdminLimits(
          64, 256, Duration.ofSeconds(20), Duration.ofSeconds(30), Duration.ofMinutes(1));

  public AdminLimits {
    boolean positive =
        Stream.of(callTime, watchStall, recheck).allMatch(time -> time.toMillis() > 0);
    if (calls < 1 || streams < 1 || !positive) {
      throw new IllegalArgumentException("limits must be positive");
    }
  }
}
