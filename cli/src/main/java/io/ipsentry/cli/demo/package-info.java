/**
 * The demonstration: a gateway and ip-sentry on loopback, clients before them, and a drawing of who
 * was refused after how long.
 */
@NullMarked
package io.ipsentry.cli.demo;

import org.jspecify.annotations.NullMarked;
