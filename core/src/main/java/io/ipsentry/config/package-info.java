@NullMarked
package io.ipsentry.config;

import org.jspecify.annotations.NullMarked;
