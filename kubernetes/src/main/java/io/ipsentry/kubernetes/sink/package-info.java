/** How far the sinks outside of the cluster are. */
@NullMarked
package io.ipsentry.kubernetes.sink;

import org.jspecify.annotations.NullMarked;
