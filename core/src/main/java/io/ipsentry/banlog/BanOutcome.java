package io.ipsentry.banlog;

import org.jspecify.annotations.Nullable;

/** What became of a ban by hand. */
public sealed interface BanOutcome {
  /**
   * The ban is in the log.
   *
   * @param previous the ban of the same prefix that it extends; null if there was none
   */
  record Banned(ListedBan ban, @Nullable ListedBan previous) implements BanOutcome {}

  /** Nothing was written: it is banned for at least as long. */
  record AlreadyBanned(ListedBan ban) implements BanOutcome {}

  /** Nothing was written: it must not be banned. */
  record Refused(Refusal refusal) implements BanOutcome {}
}
