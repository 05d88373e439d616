package io.ipsentry.sink;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanLog;
import java.time.InstantSource;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * What sinks work with.
 *
 * @param state the fold of the log, kept up to date by others
 * @param log of which events are read
 * @param protection what must not be banned
 * @param nanoTime monotonic, for pauses
 * @param random spreads them
 */
public record SinkParts(
    ActiveBans state,
    BanLog log,
    Supplier<ProtectedPrefixes> protection,
    SinkPositions positions,
    InstantSource clock,
    LongSupplier nanoTime,
    RandomGenerator random) {}
