/**
 * The way of a person with a kubeconfig to a watcher in the cluster. Input: the kubeconfig. Output:
 * a port of this host that leads into a pod, and what the person shows there. Where there is no
 * way, it says what is missing.
 */
@NullMarked
package io.ipsentry.kubernetes.tunnel;

import org.jspecify.annotations.NullMarked;
