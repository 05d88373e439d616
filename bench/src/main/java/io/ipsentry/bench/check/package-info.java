/** Checks over gRPC, against a server that only echoes. */
@NullMarked
package io.ipsentry.bench.check;

import org.jspecify.annotations.NullMarked;
