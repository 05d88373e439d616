package io.ipsentry.stage;

/**
 * Who has which address. Outside: the ranges of RFC 5737, RFC 2544 and RFC 3849; within: private
 * ones, as clusters have.
 *
 * <pre>
 *  outside 192.0.2.1 ── 192.0.2.11 node 0 10.0.0.11 ── 10.0.0.1 fabric (API server 10.0.0.1:6443)
 *                    ── 192.0.2.12 node 1 10.0.0.12 ──
 *                       node n: pods 10.244.n.0/24, fd00:244:n::/64; Services 10.96.0.0/24
 * </pre>
 */
public final class Addresses {
  /** Where the authz-servers answer within the cluster. */
  public static final String AUTHZ_SERVICE = "10.96.0.10";

  /** The Service {@code kubernetes}, for which the API server's certificate is good. */
  static final String API_SERVICE = "10.96.0.1";

  static final String SERVICES = "10.96.0.0/24";
  static final String PODS = "10.244.0.0/16";
  static final String FABRIC = "10.0.0.1";
  static final String FABRIC_NETWORK = "10.0.0.0/24";
  static final int API_PORT = 6443;
  static final String OUTSIDE = "192.0.2.1";
  static final String OUTSIDE6 = "2001:db8:0:1::1";

  /** Every address that somebody outside may have. */
  static final String[] WORLD = {"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"};

  static final String WORLD6 = "2001:db8:8000::/33";

  /** The monitor, which is never banned ({@code neverBan}). */
  public static final String MONITOR = "198.51.100.250";

  /** Its other address. */
  public static final String MONITOR6 = "2001:db8:fafa::250";

  /** The crawler of a search engine. */
  public static final String CRAWLER = "198.51.100.66";

  /** So many attackers there are of either family. */
  public static final int ATTACKERS = 0x6000;

  private Addresses() {}

  /** An attacker: number 0 to {@link #ATTACKERS} less one, each apart from any other one. */
  public static String attacker(int number) {
    requireAttacker(number);
    return "198.18." + (number >> 8) + "." + (number & 0xff);
  }

  /** The same with addresses of the other family, each of a /48 of its own. */
  public static String attacker6(int number) {
    requireAttacker(number);
    return "2001:db8:" + Integer.toHexString(0x8000 + number) + "::666";
  }

  private static void requireAttacker(int number) {
    if (number < 0 || number >= ATTACKERS) {
      throw new IllegalArgumentException("no such attacker: " + number);
    }
  }

  /** Number 1 to 200 of the ordinary clients. */
  public static String client(int number) {
    return "203.0.113." + number;
  }

  /** The same with addresses of the other family, each of a /48 of its own. */
  public static String client6(int number) {
    return "2001:db8:" + Integer.toHexString(0xf000 + number) + "::7";
  }

  /** Where the world reaches a node. */
  static String node(int number) {
    return "192.0.2." + (11 + number);
  }

  static String node6(int number) {
    return "2001:db8:0:1::" + (11 + number);
  }

  /** Where the cluster reaches a node. */
  static String nodeWithin(int number) {
    return "10.0.0." + (11 + number);
  }

  static String pod(int node, int number) {
    return "10.244." + node + "." + number;
  }

  static String pod6(int node, int number) {
    return "fd00:244:" + node + "::" + number;
  }
}
