/** Whether any hand can ban what must never be banned. */
@NullMarked
package io.ipsentry.conformance.hands;

import org.jspecify.annotations.NullMarked;
