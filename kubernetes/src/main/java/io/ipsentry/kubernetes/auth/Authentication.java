package io.ipsentry.kubernetes.auth;

/** What came of looking at what somebody showed. */
public sealed interface Authentication {
  /** It is this user. */
  record Known(ClusterUser user) implements Authentication {}

  /**
   * It is nobody that the cluster knows.
   *
   * @param why for people; nothing that helps to guess
   */
  record Unknown(String why) implements Authentication {}
}
