/**
 * HTTP forward-auth: a gateway asks about each request with a request of its own, and reads the
 * answer from the status.
 *
 * <p>Input: the calls of gateways. Output: 200, the refusal, or 503. When the judge cannot tell,
 * 503, or 200 where failing open was chosen.
 */
@NullMarked
package io.ipsentry.authz.http;

import org.jspecify.annotations.NullMarked;
