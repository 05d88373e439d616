/** Builds the image as people do, and runs containers of it. */
@NullMarked
package io.ipsentry.conformance.image;

import org.jspecify.annotations.NullMarked;
