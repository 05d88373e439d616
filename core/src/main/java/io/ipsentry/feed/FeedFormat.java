package io.ipsentry.feed;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** How a list of addresses is written. */
public enum FeedFormat {
  /** Recognised by its first bytes. */
  AUTO("auto"),
  /** An address a line; what follows {@code #} or {@code ;} is a comment. */
  PLAIN("plain"),
  /** As {@link #PLAIN}. */
  CIDR("cidr"),
  /** As {@link #PLAIN}: what FireHOL and ipset tools call so. */
  NETSET("netset"),
  /** {@code {"cidr":…}} a line, and a last one with the number of the others. */
  SPAMHAUS_DROP("spamhaus-drop"),
  /** An address and the number of lists that hold it, a line. */
  IPSUM("ipsum"),
  /** As {@link #PLAIN}. */
  BLOCKLIST_DE("blocklist-de"),
  /** Decisions of CrowdSec: CSV with a header line, or JSON; told apart by the first byte. */
  CROWDSEC("crowdsec"),
  /** The blacklist of AbuseIPDB: JSON, or an address a line. */
  ABUSEIPDB("abuseipdb");

  private final String wireName;

  FeedFormat(String wireName) {
    this.wireName = wireName;
  }

  /** The name in configurations and on command lines. */
  public String wireName() {
    return wireName;
  }

  /** The format of a name. */
  public static Optional<FeedFormat> of(String wireName) {
    return Arrays.stream(values()).filter(it -> it.wireName.equals(wireName)).findFirst();
  }

  /** All names, in the order of the formats. */
  public static List<String> wireNames() {
    return Arrays.stream(values()).map(FeedFormat::wireName).toList();
  }
}
