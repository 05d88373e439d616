package io.ipsentry.kubernetes.duty;

import java.time.Instant;
import java.util.Optional;

/**
 * How a duty goes.
 *
 * @param name of the duty
 * @param lastDone when a step ended well last; empty: none has in this term
 * @param failures steps that failed since this process began to lead
 * @param problem why the last step failed; empty: it did not
 */
public record DutyStatus(String name, Optional<Instant> lastDone, long failures, String problem) {}
