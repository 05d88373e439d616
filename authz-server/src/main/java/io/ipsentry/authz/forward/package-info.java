/**
 * Any replica takes a call; what changes the log, and hits, go on to the one that leads. Input: who
 * leads, and the calls of this replica's admin API. Output: answers of the leader. While nobody
 * leads, calls wait as long as their callers do, and then are told so (ADR 0030).
 */
@NullMarked
package io.ipsentry.authz.forward;

import org.jspecify.annotations.NullMarked;
