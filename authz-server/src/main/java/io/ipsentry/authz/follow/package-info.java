/**
 * The ban log of another process, followed over its admin API into the bans of this one. While the
 * owner is away, the last state holds.
 */
@NullMarked
package io.ipsentry.authz.follow;

import org.jspecify.annotations.NullMarked;
