@NullMarked
package io.ipsentry.line;

import org.jspecify.annotations.NullMarked;
