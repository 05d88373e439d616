package io.ipsentry.authz.admin;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import com.google.rpc.BadRequest.FieldViolation;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.net.IpPrefix;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads the fields of one request and notes every one that is wrong, so that a caller hears of all
 * at once. Values may be taken after {@link #check}. Confined to one call.
 */
final class RequestFields {
  /** Entries of a page when the caller does not say. */
  static final int DEFAULT_PAGE_ENTRIES = 1_000;

  /** Longest duration: a hundred years; whoever means more means permanent. */
  private static final long MAX_LENGTH_SECONDS = 36_500L * 86_400;

  private final List<FieldViolation> violations = new ArrayList<>();

  /** A field that was read; has a value if nothing was noted against it. */
  record Field<T>(@Nullable T read) {
    T value() {
      return Objects.requireNonNull(read, "taken before the check");
    }
  }

  /** Ends the call if a field is wrong. */
  void check() {
    if (!violations.isEmpty()) {
      throw ApiErrors.invalid(violations);
    }
  }

  /** Notes that a field is wrong. */
  void wrong(String field, String why) {
    violations.add(FieldViolation.newBuilder().setField(field).setDescription(why).build());
  }

  /** Reads a field by a method whose exception says what is wrong with it. */
  <T> Field<T> read(String field, Supplier<T> reader) {
    try {
      return new Field<>(reader.get());
    } catch (IllegalArgumentException e) {
      wrong(field, String.valueOf(e.getMessage()));
      return new Field<>(null);
    }
  }

  Field<IpPrefix> address(String field, String text) {
    return read(field, () -> IpPrefix.parse(text));
  }

  Field<Instant> time(String field, Timestamp time) {
    return read(field, () -> WireMessages.time(time));
  }

  Field<java.time.Duration> length(String field, Duration length) {
    boolean valid =
        length.getSeconds() >= 0
            && length.getSeconds() <= MAX_LENGTH_SECONDS
            && length.getNanos() >= 0
            && length.getNanos() < 1_000_000_000
            && (length.getSeconds() > 0 || length.getNanos() >= 1_000_000);
    if (!valid) {
      wrong(field, "must be 1 ms to 36500 days; leave it out or use permanent for ever");
    }
    return new Field<>(
        valid ? java.time.Duration.ofSeconds(length.getSeconds(), length.getNanos()) : null);
  }

  /** Entries of a page; 0 stands for the default. */
  int pageSize(String field, int asked) {
    if (asked < 0 || asked > BanOperations.MAX_PAGE_ENTRIES) {
      wrong(field, "must be at most " + BanOperations.MAX_PAGE_ENTRIES + ", or 0 for the default");
    }
    return asked == 0 ? DEFAULT_PAGE_ENTRIES : asked;
  }

  /** A sequence number, which the log counts with 63 bits. */
  long seq(String field, long asked) {
    if (asked < 0) {
      wrong(field, "must be below 2^63; sequence numbers start at 1");
    }
    return asked;
  }
}
