package io.ipsentry.kubernetes.leader;

import io.ipsentry.kubernetes.api.ApiServerException;
import java.util.Optional;

/**
 * The one Lease of a release. Every call throws {@link ApiServerException}; after {@code
 * UNAVAILABLE} a write may have been done. Safe for any thread.
 */
interface Leases {
  /** It as it is; empty: there is none. */
  Optional<LeaseRecord> get();

  /**
   * Makes it.
   *
   * @throws ApiServerException with {@code EXISTS} if it is there
   */
  LeaseRecord create(LeaseRecord lease);

  /**
   * Puts another in place of a version.
   *
   * @throws ApiServerException with {@code CONFLICT} if that is no longer there
   */
  LeaseRecord replace(LeaseRecord lease);
}
