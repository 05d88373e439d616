package io.ipsentry.banlog;

import io.ipsentry.ban.BanEvent;

/**
 * An entry of the allowlist that was made by an event; those of the configuration are not events.
 *
 * @param seq number of its event
 * @param allow its event
 */
public record AllowEntry(long seq, BanEvent.Allow allow) {}
