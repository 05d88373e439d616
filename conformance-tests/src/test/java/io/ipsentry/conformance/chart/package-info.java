/** The Helm chart: what it renders, and what a cluster and our processes make of it. */
@NullMarked
package io.ipsentry.conformance.chart;

import org.jspecify.annotations.NullMarked;
