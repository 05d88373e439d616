/**
 * Who somebody is in the cluster, and what he may do there: asked of the API server, as other
 * servers of a cluster do (ADR 0030). Input: a bearer token or a chain of certificates, and a verb.
 * Output: a user, and yes or no. While the API server is away there is no answer, and never a yes.
 */
@NullMarked
package io.ipsentry.kubernetes.auth;

import org.jspecify.annotations.NullMarked;
