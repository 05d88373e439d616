@NullMarked
package io.ipsentry.net;

import org.jspecify.annotations.NullMarked;
