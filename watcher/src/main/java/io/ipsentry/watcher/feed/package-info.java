/** Fetches the lists of addresses that others keep, keeps them, and tells the log. */
@NullMarked
package io.ipsentry.watcher.feed;

import org.jspecify.annotations.NullMarked;
