package io.ipsentry.ban;

/**
 * A ban as it holds now.
 *
 * @param seq number of the event that made it what it is; the id of the ban
 * @param ban that event; its {@code seenAs} may come from an earlier ban that it prolonged
 */
public record ActiveBan(long seq, BanEvent.Ban ban) {}
