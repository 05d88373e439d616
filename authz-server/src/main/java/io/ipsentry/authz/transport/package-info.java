/** What the servers for gateways share below their protocols: event loops and kinds of sockets. */
@NullMarked
package io.ipsentry.authz.transport;

import org.jspecify.annotations.NullMarked;
