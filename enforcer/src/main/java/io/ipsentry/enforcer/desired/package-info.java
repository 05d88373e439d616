/**
 * Who is to be in the kernel: bans that are visible there and feeds, without the addresses that
 * nobody may be kept from.
 */
@NullMarked
package io.ipsentry.enforcer.desired;

import org.jspecify.annotations.NullMarked;
