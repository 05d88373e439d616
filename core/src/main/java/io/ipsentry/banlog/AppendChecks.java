package io.ipsentry.banlog;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.net.IpPrefix;
import java.util.List;
import java.util.Optional;

/** The limits of the port's arguments, the same in every implementation. Stateless. */
public final class AppendChecks {
  private AppendChecks() {}

  /**
   * Checks the arguments of {@link BanLog#append}.
   *
   * @throws IllegalArgumentException if one is out of range
   */
  public static void check(long expectedHead, List<BanEvent> batch) {
    if (expectedHead < 0) {
      throw new IllegalArgumentException("a head is 0 or more, is " + expectedHead);
    }
    if (batch.size() > BanLog.MAX_BATCH_EVENTS) {
      throw new IllegalArgumentException(
          "an append takes at most " + BanLog.MAX_BATCH_EVENTS + " events, has " + batch.size());
    }
  }

  /**
   * Checks the arguments of {@link BanLog#read}.
   *
   * @throws IllegalArgumentException if one is out of range
   */
  public static void checkRead(long from, int max) {
    if (from < 1) {
      throw new IllegalArgumentException("events are numbered from 1, is " + from);
    }
    if (max < 1) {
      throw new IllegalArgumentException("at least 1 event must be wanted, is " + max);
    }
  }

  static void checkCheckpoint(String name, byte[] bytes) {
    if (bytes.length > Checkpoints.MAX_BYTES) {
      throw new IllegalArgumentException(
          "a checkpoint has at most " + Checkpoints.MAX_BYTES + " bytes, has " + bytes.length);
    }
    if (name.length() > Checkpoints.MAX_NAME_CHARS) {
      throw new IllegalArgumentException(
          "the name of a checkpoint has at most " + Checkpoints.MAX_NAME_CHARS + " characters");
    }
  }

  /** What an event is about; a feed is about no single prefix. */
  public static Optional<IpPrefix> prefixOf(BanEvent event) {
    return switch (event) {
      case BanEvent.Ban ban -> Optional.of(ban.ip());
      case BanEvent.Unban unban -> Optional.of(unban.ip());
      case BanEvent.Allow allow -> Optional.of(allow.ip());
      case BanEvent.Disallow disallow -> Optional.of(disallow.ip());
      case BanEvent.Feed feed -> Optional.empty();
    };
  }
}
