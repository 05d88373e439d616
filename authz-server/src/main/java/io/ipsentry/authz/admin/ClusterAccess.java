package io.ipsentry.authz.admin;

import java.security.cert.X509Certificate;
import java.util.List;

/**
 * Who may do what, where a cluster knows its users and their rights. Asked at each call over TCP;
 * may wait, some seconds at most. Safe for any thread.
 */
public interface ClusterAccess {
  /** What came of it. */
  sealed interface Answer {
    /**
     * The caller may.
     *
     * @param user as the cluster names it
     */
    record Granted(String user) implements Answer {}

    /**
     * The cluster knows the caller, who may not.
     *
     * @param why and how to mend it
     */
    record Denied(String why) implements Answer {}

    /**
     * The cluster does not know the caller.
     *
     * @param why and how to mend it; nothing that helps to guess
     */
    record Stranger(String why) implements Answer {}

    /**
     * The cluster does not answer, so nobody may.
     *
     * @param why and how to mend it
     */
    record NoAnswer(String why) implements Answer {}
  }

  /**
   * Whether the holder of a token may do something with the bans.
   *
   * @param verb such as {@code create}; see {@link CallVerbs}
   */
  Answer token(String token, String verb);

  /**
   * Whether the holder of a certificate may do something with the bans.
   *
   * @param chain what it showed in the handshake, in which it proved to have the key of the first;
   *     nobody has looked yet at who signed it
   */
  Answer certificate(List<X509Certificate> chain, String verb);
}
