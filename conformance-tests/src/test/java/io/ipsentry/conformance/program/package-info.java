/** Starts the real program in a process of its own and reads what it says. */
@NullMarked
package io.ipsentry.conformance.program;

import org.jspecify.annotations.NullMarked;
