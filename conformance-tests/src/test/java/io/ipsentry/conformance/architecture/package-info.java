/** What may depend on what, checked on the compiled classes of all modules. */
@NullMarked
package io.ipsentry.conformance.architecture;

import org.jspecify.annotations.NullMarked;
