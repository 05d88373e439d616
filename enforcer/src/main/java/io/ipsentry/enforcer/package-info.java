/** What concerns an instance as a whole. */
@NullMarked
package io.ipsentry.enforcer;

import org.jspecify.annotations.NullMarked;
