/** Calls of systems outside: HTTP, with secrets kept out of what is said. */
@NullMarked
package io.ipsentry.watcher.sink.call;

import org.jspecify.annotations.NullMarked;
