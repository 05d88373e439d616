/** The shipped packs through the engine: whom they must ban, and whom never. */
@NullMarked
package io.ipsentry.watcher.pack;

import org.jspecify.annotations.NullMarked;
