/** What the kernel enforces: the port {@link io.ipsentry.enforcer.kernel.PacketFilter}. */
@NullMarked
package io.ipsentry.enforcer.kernel;

import org.jspecify.annotations.NullMarked;
