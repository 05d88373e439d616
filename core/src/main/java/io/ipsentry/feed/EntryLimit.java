package io.ipsentry.feed;

/** Says when a list has too many entries. */
record EntryLimit(int most) {
  /** Of {@link FeedOptions#MAX_ENTRIES}. */
  static final EntryLimit DEFAULT = new EntryLimit(FeedOptions.MAX_ENTRIES);

  /** Called before one more is taken. */
  void check(int size) throws RefusedListException {
    if (size >= most) {
      throw new RefusedListException("it has more than " + most + " entries");
    }
  }
}
