/** ip-sentry beside its peers and limits: measured by {@code bench/compare}, told as a report. */
@NullMarked
package io.ipsentry.bench.compare;

import org.jspecify.annotations.NullMarked;
