package io.ipsentry.authz.hits;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.RuleId;
import java.nio.ByteBuffer;

/** Reported hits as messages of {@code ipsentry.v1} and back. Stateless. */
final class HitMessages {
  /** Longest text of what matched; more is cut. */
  static final int MAX_PATTERN_CHARS = ReportedHit.MAX_PATTERN_CHARS;

  private static final int ADDRESS_BYTES = 16;
  private static final int MILLIS = 1_000;
  private static final int NANOS_PER_MILLI = 1_000_000;

  /** Last second of the year 9999. */
  private static final long MAX_SECONDS = 253_402_300_799L;

  private HitMessages() {}

  static io.ipsentry.proto.v1.ReportedHit toProto(ReportedHit hit) {
    return io.ipsentry.proto.v1.ReportedHit.newBuilder()
        .setRule(hit.rule().name())
        .setAddress(
            ByteString.copyFrom(
                ByteBuffer.allocate(ADDRESS_BYTES).putLong(hit.hi()).putLong(hit.lo()).flip()))
        .setSeenAs(toProto(hit.seenAs()))
        .setEventTime(
            Timestamp.newBuilder()
                .setSeconds(Math.floorDiv(hit.eventTimeMillis(), MILLIS))
                .setNanos(Math.floorMod(hit.eventTimeMillis(), MILLIS) * NANOS_PER_MILLI))
        .setPattern(hit.cut().pattern())
        .setPatternIdentity(hit.patternIdentity())
        .build();
  }

  /**
   * A hit.
   *
   * @throws IllegalArgumentException if a field cannot be understood; the message begins with its
   *     name
   */
  static ReportedHit hit(io.ipsentry.proto.v1.ReportedHit message) {
    if (message.getAddress().size() != ADDRESS_BYTES) {
      throw new IllegalArgumentException("address: must have 16 bytes");
    }
    if (message.getPattern().length() > MAX_PATTERN_CHARS) {
      throw new IllegalArgumentException(
          "pattern: must have at most " + MAX_PATTERN_CHARS + " characters");
    }
    Timestamp time = message.getEventTime();
    if (time.getSeconds() < 0
        || time.getSeconds() > MAX_SECONDS
        || time.getNanos() < 0
        || time.getNanos() >= MILLIS * NANOS_PER_MILLI) {
      throw new IllegalArgumentException("event_time: must lie in the years 1970 to 9999");
    }
    ByteBuffer address = message.getAddress().asReadOnlyByteBuffer();
    return new ReportedHit(
        rule(message.getRule()),
        address.getLong(),
        address.getLong(),
        seenAs(message.getSeenAs()),
        time.getSeconds() * MILLIS + time.getNanos() / NANOS_PER_MILLI,
        message.getPattern(),
        message.getPatternIdentity());
  }

  private static RuleId rule(String name) {
    try {
      return new RuleId(name);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("rule: " + e.getMessage(), e);
    }
  }

  private static io.ipsentry.proto.v1.SeenAs toProto(SeenAs seenAs) {
    return switch (seenAs) {
      case PEER -> io.ipsentry.proto.v1.SeenAs.SEEN_AS_PEER;
      case FORWARDED -> io.ipsentry.proto.v1.SeenAs.SEEN_AS_FORWARDED;
      case MANUAL -> io.ipsentry.proto.v1.SeenAs.SEEN_AS_MANUAL;
      case FEED -> io.ipsentry.proto.v1.SeenAs.SEEN_AS_FEED;
    };
  }

  private static SeenAs seenAs(io.ipsentry.proto.v1.SeenAs seenAs) {
    return switch (seenAs) {
      case SEEN_AS_PEER -> SeenAs.PEER;
      case SEEN_AS_FORWARDED -> SeenAs.FORWARDED;
      default -> throw new IllegalArgumentException("seen_as: must be PEER or FORWARDED");
    };
  }
}
