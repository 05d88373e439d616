package io.ipsentry.sink;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A sink did not do what it was asked to. The message is for people and has no secrets in it, nor
 * has that of a cause.
 */
public final class SinkException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What is to be done about it. */
  public enum Kind {
    /** It may work later; it may also have been done, and only the answer was lost. */
    TRANSIENT,
    /** It works only when a person has mended something there or in the configuration. */
    REFUSED,
    /** Nothing more fits in there. */
    FULL,
    /** This one thing is never taken; others are. */
    CONTENT
  }

  private final Kind kind;
  private final transient @Nullable Duration retryAfter;

  private SinkException(
      Kind kind, String message, @Nullable Duration retryAfter, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
    this.retryAfter = retryAfter;
  }

  /** It may work later. */
  public static SinkException transientFailure(String message, @Nullable Throwable cause) {
    return new SinkException(Kind.TRANSIENT, message, null, cause);
  }

  /**
   * It works later.
   *
   * @param retryAfter the wait that the sink asks for
   */
  public static SinkException busy(String message, Duration retryAfter) {
    return new SinkException(Kind.TRANSIENT, message, retryAfter, null);
  }

  /** A person has to mend something. */
  public static SinkException refused(String message) {
    return new SinkException(Kind.REFUSED, message, null, null);
  }

  /** There is no room. */
  public static SinkException full(String message) {
    return new SinkException(Kind.FULL, message, null, null);
  }

  /** This is never taken. */
  public static SinkException content(String message) {
    return new SinkException(Kind.CONTENT, message, null, null);
  }

  /** What is to be done about it. */
  public Kind kind() {
    return kind;
  }

  /** How long the sink wants not to be asked. */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }
}
