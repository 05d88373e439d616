package io.ipsentry.authz.caller;

import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.line.Slice;
import java.net.SocketAddress;
import java.security.cert.Certificate;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is known of who is at the other end of a connection. Decided once a connection; safe for any
 * thread.
 */
public interface CallerConnection {
  /** Anybody: nothing of theirs is counted. */
  CallerConnection UNKNOWN = token -> Caller.UNKNOWN;

  /**
   * Who makes a call.
   *
   * @param token what the call says as token; absent: nothing
   */
  Caller caller(Slice token);

  /** Whether a token can change the answer, so that it is worth looking for. */
  default boolean readsToken() {
    return false;
  }

  /** Decides about connections. Safe for any thread. */
  interface Factory {
    /**
     * A connection as it comes up.
     *
     * @param remote its other end; null: the transport does not say
     * @param certificates the client's verified chain, its own first; empty: none
     */
    CallerConnection connected(@Nullable SocketAddress remote, List<Certificate> certificates);
  }
}
