package io.ipsentry.feed;

import io.ipsentry.net.PrefixSet;
import java.time.Instant;
import java.util.Collections;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a list says: prefixes, some of them with an end. Immutable.
 *
 * @param lasting prefixes without an end of their own
 * @param ending prefixes by the moment at which they are over
 */
public record FeedContent(PrefixSet lasting, NavigableMap<Instant, PrefixSet> ending) {
  public FeedContent {
    ending = Collections.unmodifiableNavigableMap(new TreeMap<>(ending));
  }

  /** Prefixes that last. */
  public static FeedContent of(PrefixSet lasting) {
    return new FeedContent(lasting, new TreeMap<>());
  }

  /** The prefixes that hold at a moment, and none that lies in another. */
  public PrefixSet at(Instant now) {
    if (nextEnd(now).isEmpty()) {
      return lasting;
    }
    PrefixCollector all = new PrefixCollector();
    lasting.forEach(all::add);
    ending.tailMap(now, false).values().forEach(group -> group.forEach(all::add));
    return all.build();
  }

  /** When the next prefixes are over; empty: none are, any more. */
  public Optional<Instant> nextEnd(Instant now) {
    return Optional.ofNullable(ending.higherKey(now));
  }
}
