package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.net.IpPrefix;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What holds for one address or prefix at one moment.
 *
 * @param ip what was asked
 * @param banned whether all of it is refused: a ban covers it, and nothing allows or protects any
 *     of it
 * @param bans bans that cover it, the longest prefix first, with or without force
 * @param allowedBy entries of the allowlist that cover it, the longest prefix first
 * @param protectedBy why it can never be banned; null if it can
 */
public record Standing(
    IpPrefix ip,
    boolean banned,
    List<ListedBan> bans,
    List<Allowance> allowedBy,
    @Nullable Refusal protectedBy) {
  /** Copies the lists. */
  public Standing {
    bans = List.copyOf(bans);
    allowedBy = List.copyOf(allowedBy);
  }
}
