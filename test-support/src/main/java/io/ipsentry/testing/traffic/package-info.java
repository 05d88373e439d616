/** Access logs made from a seed: who asks for what, and how each gateway would have logged it. */
@NullMarked
package io.ipsentry.testing.traffic;

import org.jspecify.annotations.NullMarked;
