@NullMarked
package io.ipsentry.pattern;

import org.jspecify.annotations.NullMarked;
