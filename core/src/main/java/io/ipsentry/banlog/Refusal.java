package io.ipsentry.banlog;

import io.ipsentry.net.IpPrefix;

/**
 * Why an address must not be banned.
 *
 * @param kind stable name of the reason, such as {@code private-network} or {@code allow}
 * @param prefix what is protected; it has an address in common with what was asked
 * @param description one phrase for people, such as {@code private network 10.0.0.0/8}
 */
public record Refusal(String kind, IpPrefix prefix, String description) {}
