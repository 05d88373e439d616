/** Pods that are selected by labels, and the logs of their containers, through the API server. */
@NullMarked
package io.ipsentry.kubernetes.pods;

import org.jspecify.annotations.NullMarked;
