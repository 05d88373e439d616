/** A real API server for tests: kube-apiserver, etcd and kubectl as processes of this machine. */
@NullMarked
package io.ipsentry.testing.cluster;

import org.jspecify.annotations.NullMarked;
