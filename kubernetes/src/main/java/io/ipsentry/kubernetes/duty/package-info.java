/** What only the leader does, again and again, each duty on a thread of its own. */
@NullMarked
package io.ipsentry.kubernetes.duty;

import org.jspecify.annotations.NullMarked;
