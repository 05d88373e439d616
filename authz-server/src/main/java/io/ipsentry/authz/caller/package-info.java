/**
 * Who calls: only what an authenticated gateway asks may become hits. Input: the other end of a
 * connection, its certificates, its token. Output: trusted or unknown.
 */
@NullMarked
package io.ipsentry.authz.caller;

import org.jspecify.annotations.NullMarked;
