/**
 * Envoy's services over gRPC: {@code envoy.service.auth.v3.Authorization} judges requests, {@code
 * envoy.service.accesslog.v3.AccessLogService} takes access-log entries.
 *
 * <p>Input: calls of Envoys. Output: judgements, and hits of what their logs say. When nothing can
 * be judged, calls end with {@code UNAVAILABLE}, so that Envoy's failure mode decides.
 */
@NullMarked
package io.ipsentry.authz.envoy;

import org.jspecify.annotations.NullMarked;
