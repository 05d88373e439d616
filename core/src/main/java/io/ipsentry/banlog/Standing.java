package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.net.IpPrefix;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What holds for one address or prefix at one moment.
 *
 * @param ip what was asked
 * @param banned whether all of it is refused: a ban or a feed covers it, and nothing allows or
 *     protects any of it
 * @param bans bans that cover it, the longest prefix first, with or without force
 * @param allowedBy entries of the allowlist that cover it, the longest prefix first
 * @param protectedBy why it can never be banned; null if it can
 * @param heldBy feeds whose prefixes cover it, in order of their names
 * @param unreadFeeds names of feeds whose prefixes cannot be looked at here, at the moment
 */
public record Standing(
    IpPrefix ip,
    boolean banned,
    List<ListedBan> bans,
    List<Allowance> allowedBy,
    @Nullable Refusal protectedBy,
    List<FeedState> heldBy,
    List<String> unreadFeeds) {
  /** Copies the lists. */
  public Standing {
    bans = List.copyOf(bans);
    allowedBy = List.copyOf(allowedBy);
    heldBy = List.copyOf(heldBy);
    unreadFeeds = List.copyOf(unreadFeeds);
  }
}
