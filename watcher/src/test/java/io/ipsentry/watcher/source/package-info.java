@NullMarked
package io.ipsentry.watcher.source;

import org.jspecify.annotations.NullMarked;
