/**
 * The cluster's users as callers of the admin API. Input: what a caller shows. Output: who that is
 * and whether he may. While the API server is away, nobody may.
 */
@NullMarked
package io.ipsentry.authz.cluster;

import org.jspecify.annotations.NullMarked;
