package io.ipsentry.ban;

/**
 * Bytes that are no snapshot of bans, with what is wrong: damaged, cut short, or written by a newer
 * ip-sentry. Nothing of it may be used.
 */
public final class InvalidSnapshotException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param what is wrong with them
   */
  public InvalidSnapshotException(String what) {
    super("not a snapshot of bans: " + what);
  }

  /**
   * @param what is wrong with them
   */
  public InvalidSnapshotException(String what, Throwable cause) {
    super("not a snapshot of bans: " + what, cause);
  }
}
