@NullMarked
package io.ipsentry.banlog;

import org.jspecify.annotations.NullMarked;
