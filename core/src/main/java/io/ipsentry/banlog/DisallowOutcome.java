package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.net.IpPrefix;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What became of a disallow by hand. */
public sealed interface DisallowOutcome {
  /**
   * The entry is off the allowlist.
   *
   * @param seq number of the disallow event
   * @param inForceAgain bans of addresses in the prefix, which refuse again
   */
  record Disallowed(long seq, List<ListedBan> inForceAgain) implements DisallowOutcome {
    /** Copies the list. */
    public Disallowed {
      inForceAgain = List.copyOf(inForceAgain);
    }
  }

  /**
   * Nothing was written: exactly this prefix is not on the allowlist.
   *
   * @param coveredBy wider prefixes of the allowlist, the longest first
   * @param configured why it cannot be banned all the same; null if nothing protects it
   */
  record NotAllowed(IpPrefix ip, List<Allowance> coveredBy, @Nullable Refusal configured)
      implements DisallowOutcome {
    /** Copies the list. */
    public NotAllowed {
      coveredBy = List.copyOf(coveredBy);
    }
  }
}
