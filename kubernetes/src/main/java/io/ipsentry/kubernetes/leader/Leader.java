package io.ipsentry.kubernetes.leader;

import java.util.Optional;

/**
 * The process that leads.
 *
 * @param identity its name, such as {@code ip-sentry-watcher-0_5f1c…}
 * @param address where its admin API is reached, such as {@code 192.0.2.7:9004}; empty: it serves
 *     none to others
 * @param isSelf whether it is this process, and this process knows it
 */
public record Leader(String identity, Optional<String> address, boolean isSelf) {}
