/** What must never be banned in a cluster: found by the leader, told to every process. */
@NullMarked
package io.ipsentry.kubernetes.protect;

import org.jspecify.annotations.NullMarked;
