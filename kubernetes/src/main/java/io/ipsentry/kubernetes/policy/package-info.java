/**
 * BanPolicy, our policy of the Gateway API (GEP-713): what holds where (pure), the objects by which
 * gateways ask, what is covered, statuses; and the policies in force, told to every process that
 * judges.
 */
@NullMarked
package io.ipsentry.kubernetes.policy;

import org.jspecify.annotations.NullMarked;
