/**
 * TLS of the servers. Input: the files of a {@link io.ipsentry.config.TlsConfig}. Output: contexts
 * for Netty whose connections have the newest pair that fits together.
 */
@NullMarked
package io.ipsentry.authz.tls;

import org.jspecify.annotations.NullMarked;
