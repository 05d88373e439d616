/**
 * Reads and checks the configuration: YAML in, a validated {@link io.ipsentry.config.Config} or a
 * list of every mistake out.
 */
@NullMarked
package io.ipsentry.config;

import org.jspecify.annotations.NullMarked;
