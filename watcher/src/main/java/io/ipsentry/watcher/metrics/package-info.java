/** What a running ip-sentry shows of itself: metrics, health and readiness over HTTP. */
@NullMarked
package io.ipsentry.watcher.metrics;

import org.jspecify.annotations.NullMarked;
