/** The sinks of the configuration: which there are, and their reload. */
@NullMarked
package io.ipsentry.watcher.sink;

import org.jspecify.annotations.NullMarked;
