package io.ipsentry.banlog;

import io.ipsentry.net.IpPrefix;
import java.util.List;

/** What became of an unban by hand. */
public sealed interface UnbanOutcome {
  /**
   * The ban has ended.
   *
   * @param seq number of the unban event
   * @param ban the ban that ended
   * @param stillCoveredBy bans of wider prefixes, the longest prefix first
   */
  record Unbanned(long seq, ListedBan ban, List<ListedBan> stillCoveredBy) implements UnbanOutcome {
    /** Copies the list. */
    public Unbanned {
      stillCoveredBy = List.copyOf(stillCoveredBy);
    }
  }

  /**
   * Nothing was written: there is no ban of exactly this prefix.
   *
   * @param coveredBy bans of wider prefixes, the longest prefix first
   */
  record NotBanned(IpPrefix ip, List<ListedBan> coveredBy) implements UnbanOutcome {
    /** Copies the list. */
    public NotBanned {
      coveredBy = List.copyOf(coveredBy);
    }
  }
}
