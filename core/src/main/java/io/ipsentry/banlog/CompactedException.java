package io.ipsentry.banlog;

/**
 * Events that a reader asked for are no longer kept; a snapshot has taken their place. A reader
 * that folds starts from {@link BanLog#snapshot} and goes on behind it; one that shows events can
 * begin at {@link #firstKept}.
 */
public final class CompactedException extends BanLogException {
  private static final long serialVersionUID = 1L;

  private final long firstKept;

  /**
   * @param firstKept number of the first event from which all are kept
   */
  public CompactedException(long firstKept) {
    super(
        "what was before event "
            + firstKept
            + " is no longer kept (store.keepHistory); begin there or later",
        null,
        false);
    this.firstKept = firstKept;
  }

  /** Number of the first event from which all are kept. */
  public long firstKept() {
    return firstKept;
  }
}
