/**
 * Configuration trees of fail2ban, read and run: jails and filters as they are written, to line
 * formats and the terms of rules. Nothing here comes from fail2ban itself; docs/adr/0040 says what
 * differs.
 */
@NullMarked
package io.ipsentry.fail2ban;

import org.jspecify.annotations.NullMarked;
