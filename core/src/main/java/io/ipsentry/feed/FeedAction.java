package io.ipsentry.feed;

import java.util.Map;

/** What follows when an address is in a list. */
public enum FeedAction {
  /** It is banned, everywhere. */
  BAN("ban"),
  /** Rules ban it after fewer hits. */
  TAG("tag");

  /** The actions by their names in a configuration. */
  public static final Map<String, FeedAction> BY_NAME = Map.of("ban", BAN, "tag", TAG);

  private final String wireName;

  FeedAction(String wireName) {
    this.wireName = wireName;
  }

  /** The name in configurations, listings and records. */
  public String wireName() {
    return wireName;
  }
}
