/**
 * The blocklist people see, and their hands on it: the ConfigMap {@code R-blocklist} in the format
 * of the original ip-sentry. {@code ShownBans} is what it shows, {@code WrittenDocument} what
 * people made of it, {@code BlocklistHands} the events that follow, {@code BlocklistProjection} the
 * leader's work around them.
 */
@NullMarked
package io.ipsentry.kubernetes.blocklist;

import org.jspecify.annotations.NullMarked;
