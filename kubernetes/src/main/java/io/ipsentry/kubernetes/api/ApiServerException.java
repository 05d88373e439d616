package io.ipsentry.kubernetes.api;

import org.jspecify.annotations.Nullable;

/** The API server did not do as it was told. */
public final class ApiServerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Reason reason;

  /** Why. Only after {@link #UNAVAILABLE} is it unknown whether a write was done. */
  public enum Reason {
    /** There is one of that name. */
    EXISTS,
    /** It is not the version that was to be replaced. */
    CONFLICT,
    /** The version is no longer kept: list anew. */
    GONE,
    /** We are not allowed to. */
    FORBIDDEN,
    /** A quota or the store is full. */
    FULL,
    /** It would never be taken: a fault of ours, or of an admission webhook. */
    REFUSED,
    /** No answer, or the server says that it cannot answer now. */
    UNAVAILABLE
  }

  /**
   * @param message says what was to be done and what came of it, for people
   */
  public ApiServerException(Reason reason, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }
}
