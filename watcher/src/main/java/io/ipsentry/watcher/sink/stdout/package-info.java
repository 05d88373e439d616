/** Events on standard output. */
@NullMarked
package io.ipsentry.watcher.sink.stdout;

import org.jspecify.annotations.NullMarked;
