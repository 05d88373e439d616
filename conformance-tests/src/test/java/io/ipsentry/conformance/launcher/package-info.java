/** The script {@code ./ip-sentry} of this checkout, as people start it. */
@NullMarked
package io.ipsentry.conformance.launcher;

import org.jspecify.annotations.NullMarked;
