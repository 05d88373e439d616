package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans.Allowance;
import java.util.List;

/** What became of an allow by hand. */
public sealed interface AllowOutcome {
  /**
   * The entry is in the log.
   *
   * @param withoutForce bans that refuse nobody while it stands, wholly or within its prefix
   */
  record Allowed(Allowance entry, List<ListedBan> withoutForce) implements AllowOutcome {
    /** Copies the list. */
    public Allowed {
      withoutForce = List.copyOf(withoutForce);
    }
  }

  /** Nothing was written: exactly this prefix is allowed for at least as long. */
  record AlreadyAllowed(Allowance entry) implements AllowOutcome {}
}
