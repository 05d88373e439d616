/** {@code replay} against a model that shares no code with the product. */
@NullMarked
package io.ipsentry.conformance.replay;

import org.jspecify.annotations.NullMarked;
