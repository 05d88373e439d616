/** The bans of a process that follows the log in ConfigMaps and does not write it. */
@NullMarked
package io.ipsentry.kubernetes.follow;

import org.jspecify.annotations.NullMarked;
