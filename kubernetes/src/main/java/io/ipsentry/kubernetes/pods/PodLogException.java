package io.ipsentry.kubernetes.pods;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A log cannot be read. */
public final class PodLogException extends IOException {
  private static final long serialVersionUID = 1L;

  private final Reason reason;

  /** Why. */
  public enum Reason {
    /**
     * There is no such log: the pod is gone, nothing was started yet, or no earlier one is kept.
     */
    NO_LOG,
    /** We are not allowed to. */
    FORBIDDEN,
    /** Nothing was said within {@link PodLogs#QUIET}. */
    QUIET,
    /** No answer from the API server, or from the kubelet. */
    UNAVAILABLE
  }

  /**
   * @param message what was asked for and what came of it, for people
   */
  public PodLogException(Reason reason, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }
}
