/** IP access rules of Cloudflare. */
@NullMarked
package io.ipsentry.watcher.sink.cloudflare;

import org.jspecify.annotations.NullMarked;
