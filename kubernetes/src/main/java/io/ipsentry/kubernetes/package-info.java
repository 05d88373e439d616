/** The ban log in the API server of a cluster, and what belongs to it. */
@NullMarked
package io.ipsentry.kubernetes;

import org.jspecify.annotations.NullMarked;
