/** Addresses of the host we run on, which are never banned. */
@NullMarked
package io.ipsentry.watcher.host;

import org.jspecify.annotations.NullMarked;
