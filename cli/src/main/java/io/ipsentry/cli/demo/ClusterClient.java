package io.ipsentry.cli.demo;

import java.util.List;

/**
 * Somebody outside of the cluster, who asks one node after the other.
 *
 * @param name who, for people
 * @param addresses by turns; of one family
 * @param claims what it writes into {@code X-Forwarded-For}; empty: nothing
 * @param targets asked one after the other, then from the first one again
 * @param rate how often it asks
 * @param hostile whether it is to be banned in the end; the others must never be refused
 */
public record ClusterClient(
    String name,
    List<String> addresses,
    String claims,
    List<String> targets,
    Rate rate,
    boolean hostile) {
  /** How often a client asks. */
  public enum Rate {
    /** As often as probers are told to. */
    PROBING,
    /** Ten times a second. */
    STEADY,
    /** Thrice a second, as people and monitors do. */
    CALM
  }

  public ClusterClient {
    addresses = List.copyOf(addresses);
    targets = List.copyOf(targets);
  }

  /** Requests a second. */
  public int perSecond(int probing) {
    return switch (rate) {
      case PROBING -> probing;
      case STEADY -> 10;
      case CALM -> 3;
    };
  }
}
