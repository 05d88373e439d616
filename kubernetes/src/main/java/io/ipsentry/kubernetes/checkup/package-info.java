/**
 * What a person with a kubeconfig can see of a release in a cluster, and of the gateways before it,
 * for {@code doctor}. Reads only. Output: facts, and of each that may not be looked at, why.
 */
@NullMarked
package io.ipsentry.kubernetes.checkup;

import org.jspecify.annotations.NullMarked;
