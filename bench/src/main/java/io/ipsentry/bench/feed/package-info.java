/** What a feed costs until it is known. */
@NullMarked
package io.ipsentry.bench.feed;

import org.jspecify.annotations.NullMarked;
