/** The one executable {@code ip-sentry}: one class a command. */
@NullMarked
package io.ipsentry.cli;

import org.jspecify.annotations.NullMarked;
