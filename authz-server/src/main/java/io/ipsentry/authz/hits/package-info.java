/**
 * Hits between processes. A process that sees requests but does not own the windows reports hits
 * ({@link io.ipsentry.authz.hits.HitReportClient}); the owner counts each once ({@link
 * io.ipsentry.authz.hits.HitServiceEndpoint}). While the owner is away hits are kept, bounded, and
 * sent later.
 */
@NullMarked
package io.ipsentry.authz.hits;

import org.jspecify.annotations.NullMarked;
