package io.ipsentry.banlog;

import io.ipsentry.ban.BanEvent;

/**
 * A ban whose time has not passed.
 *
 * @param seq number of its event
 * @param ban its event
 * @param inForce false while the allowlist or the never-ban set holds for all of it, so that nobody
 *     is refused because of it
 */
public record ListedBan(long seq, BanEvent.Ban ban, boolean inForce) {}
