/** Messages to a chat of Telegram. */
@NullMarked
package io.ipsentry.watcher.sink.telegram;

import org.jspecify.annotations.NullMarked;
