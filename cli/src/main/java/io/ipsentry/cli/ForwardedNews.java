package io.ipsentry.cli;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.FollowedLog;
import org.jspecify.annotations.Nullable;

/** Passes on what a log tells to one who is known only later, but before anything is told. */
final class ForwardedNews implements FollowedLog.Listener {
  private volatile FollowedLog.@Nullable Listener listener;

  void to(FollowedLog.Listener told) {
    listener = told;
  }

  private FollowedLog.Listener listener() {
    FollowedLog.Listener told = listener;
    if (told == null) {
      throw new IllegalStateException("followed before there is a listener");
    }
    return told;
  }

  @Override
  public void applied(SequencedEvent event) {
    listener().applied(event);
  }

  @Override
  public void replaced(ActiveBans state) {
    listener().replaced(state);
  }
}
