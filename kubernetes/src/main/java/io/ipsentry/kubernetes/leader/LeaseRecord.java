package io.ipsentry.kubernetes.leader;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * A Lease as it is stored.
 *
 * @param holder who has it; empty: nobody, it was given back
 * @param address annotation of the holder; empty: none
 * @param length how long it holds after each renewal; zero: it does not say
 * @param acquired since when the holder has it, by the holder's clock, for people
 * @param renewed when it was renewed, by the holder's clock, for people
 * @param transitions how often the holder changed
 * @param version {@code resourceVersion}; empty: it is not stored
 */
record LeaseRecord(
    String holder,
    Optional<String> address,
    Duration length,
    Instant acquired,
    Instant renewed,
    int transitions,
    String version) {}
