package io.ipsentry.kubernetes.blocklist;

import org.jspecify.annotations.Nullable;

/** The ConfigMap of the blocklist could not be read or written. */
public final class BlocklistStoreException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Kind kind;

  /** What to do about it. */
  public enum Kind {
    /** Somebody else was faster: look again. */
    CONFLICT,
    /** The API server would not have it: a fault of ours, of a policy, or missing rights. */
    REFUSED,
    /** No answer, or a busy server; a write may have been done. */
    UNAVAILABLE
  }

  /**
   * @param message what was to be done and what came of it, for people
   */
  public BlocklistStoreException(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  /** What to do about it. */
  public Kind kind() {
    return kind;
  }
}
