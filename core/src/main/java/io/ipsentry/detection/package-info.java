/**
 * Hits to bans: counts them, decides when a rule is reached, appends what follows.
 *
 * <p>Input: hits. Output: events in the ban log. When the log cannot be written, decided bans are
 * kept, within a limit, and tried again.
 */
@NullMarked
package io.ipsentry.detection;

import org.jspecify.annotations.NullMarked;
