/** How the program logs about itself: JSON lines when it runs, plain text in one-shot commands. */
@NullMarked
package io.ipsentry.watcher.logging;

import org.jspecify.annotations.NullMarked;
