package io.ipsentry.authz.forward;

/** Who leads, as this replica sees it. */
public sealed interface LeaderView {
  /** This replica. */
  record Self() implements LeaderView {}

  /**
   * Another one.
   *
   * @param identity its name
   * @param address of its admin API: a host and a port, such as {@code 192.0.2.7:9004}
   */
  record Other(String identity, String address) implements LeaderView {}

  /**
   * Nobody, or one that cannot be reached.
   *
   * @param why for people
   */
  record Nobody(String why) implements LeaderView {}
}
