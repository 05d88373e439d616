@NullMarked
package io.ipsentry.rule;

import org.jspecify.annotations.NullMarked;
