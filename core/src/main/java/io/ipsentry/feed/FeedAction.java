package io.ipsentry.feed;

import java.util.Map;

/** What follows when an address is in a list. */
public enum FeedAction {
  /** It is banned, everywhere. */
  BAN("ban"),
  /** Rules ban it after fewer hits. */
  TAG("tag"),
  /** It is never banned: the list is that of a CDN, whose addresses are no client's. */
  PROTECT("protect");

  /** The actions by their names in a configuration. */
  public static final Map<String, FeedAction> BY_NAME =
      Map.of("ban", BAN, "tag", TAG, "protect", PROTECT);

  private final String wireName;

  FeedAction(String wireName) {
    this.wireName = wireName;
  }

  /** The name in configurations, listings and records. */
  public String wireName() {
    return wireName;
  }
}
