package io.ipsentry.banlog;

import org.jspecify.annotations.Nullable;

/**
 * The ban log could not do as it was told, and for an append the outcome is not known.
 *
 * <p>{@link #isTransient} tells whether the same call may succeed later.
 */
public abstract sealed class BanLogException extends RuntimeException
    permits BanLogException.Failure, CompactedException {
  private static final long serialVersionUID = 1L;

  private final boolean transientFailure;

  /** A failure that a later call may not meet. */
  public static BanLogException transientFailure(String message) {
    return new Failure(message, null, true);
  }

  /** A failure that a later call may not meet. */
  public static BanLogException transientFailure(String message, Throwable cause) {
    return new Failure(message, cause, true);
  }

  /** A failure that stays until somebody mends it; the message says how. */
  public static BanLogException permanent(String message) {
    return new Failure(message, null, false);
  }

  /** A failure that stays until somebody mends it; the message says how. */
  public static BanLogException permanent(String message, Throwable cause) {
    return new Failure(message, cause, false);
  }

  BanLogException(String message, @Nullable Throwable cause, boolean transientFailure) {
    super(message, cause);
    this.transientFailure = transientFailure;
  }

  /** Whether the same call may succeed later without anybody's doing. */
  public boolean isTransient() {
    return transientFailure;
  }

  /** A failure of which there is no more to say than its message. */
  static final class Failure extends BanLogException {
    private static final long serialVersionUID = 1L;

    private Failure(String message, @Nullable Throwable cause, boolean transientFailure) {
      super(message, cause, transientFailure);
    }
  }
}
