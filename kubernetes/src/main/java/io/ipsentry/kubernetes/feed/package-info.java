/**
 * The prefixes of feeds, kept beside the log in ConfigMaps that its {@code feed} events name by
 * their digest.
 */
@NullMarked
package io.ipsentry.kubernetes.feed;

import org.jspecify.annotations.NullMarked;
