package io.ipsentry.sink;

import io.ipsentry.ban.BanEvent;

/** What kind of event it is, by which sinks choose. */
public enum EventKind {
  BAN("ban"),
  UNBAN("unban"),
  ALLOW("allow"),
  DISALLOW("disallow"),
  FEED("feed");

  private final String wireName;

  EventKind(String wireName) {
    this.wireName = wireName;
  }

  /** As in {@code type} of the event's JSON. */
  public String wireName() {
    return wireName;
  }

  /** The kind of an event. */
  public static EventKind of(BanEvent event) {
    return switch (event) {
      case BanEvent.Ban _ -> BAN;
      case BanEvent.Unban _ -> UNBAN;
      case BanEvent.Allow _ -> ALLOW;
      case BanEvent.Disallow _ -> DISALLOW;
      case BanEvent.Feed _ -> FEED;
    };
  }
}
