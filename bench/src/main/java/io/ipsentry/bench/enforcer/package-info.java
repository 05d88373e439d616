/** Bans into the kernel, beside the kernel's own programs on the same list. */
@NullMarked
package io.ipsentry.bench.enforcer;

import org.jspecify.annotations.NullMarked;
