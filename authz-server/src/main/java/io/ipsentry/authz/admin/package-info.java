/** The admin API: {@code ipsentry.v1} served over a Unix socket. */
@NullMarked
package io.ipsentry.authz.admin;

import org.jspecify.annotations.NullMarked;
