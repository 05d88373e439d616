/** A sample of the requests that were judged, told to whoever compares them with logs. */
@NullMarked
package io.ipsentry.authz.checks;

import org.jspecify.annotations.NullMarked;
