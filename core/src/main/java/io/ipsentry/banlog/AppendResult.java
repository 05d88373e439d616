package io.ipsentry.banlog;

/** What became of an append; all three are normal. */
public sealed interface AppendResult {
  /**
   * The events are in the log and durable.
   *
   * @param head number of the last of them, which is now the head
   */
  record Appended(long head) implements AppendResult {}

  /**
   * Nothing was written: the log does not end where the writer thought.
   *
   * @param head the head that was found
   */
  record Conflict(long head) implements AppendResult {}

  /**
   * Nothing was written: the log has no room. Reading goes on as before.
   *
   * @param reason what is full and how to mend it, for people
   */
  record Full(String reason) implements AppendResult {}
}
