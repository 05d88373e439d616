@NullMarked
package io.ipsentry.ban;

import org.jspecify.annotations.NullMarked;
