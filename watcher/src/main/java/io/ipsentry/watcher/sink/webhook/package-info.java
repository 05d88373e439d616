/** Messages to a URL. */
@NullMarked
package io.ipsentry.watcher.sink.webhook;

import org.jspecify.annotations.NullMarked;
