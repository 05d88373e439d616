/** Keeps what the kernel holds equal to what is desired, and tells how far it is. */
@NullMarked
package io.ipsentry.enforcer.sync;

import org.jspecify.annotations.NullMarked;
