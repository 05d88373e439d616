package io.ipsentry.cli;

import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection;
import io.ipsentry.config.FeedConfig;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.watcher.feed.FeedRanges;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What feeds that protect mean for the never-ban set and for trusted proxies. Stateless. */
final class CdnRanges {
  private CdnRanges() {}

  /** A part for each feed, under its name. */
  static List<Part> parts(FeedRanges ranges) {
    return new TreeMap<>(ranges.known())
        .entrySet().stream()
            .map(feed -> new Part(Protection.Kind.CDN, feed.getKey(), feed.getValue()))
            .toList();
  }

  /**
   * Prefixes by the name of the network that feeds extend.
   *
   * @param feeds of the configuration
   * @param parts what is protected; of any kind
   */
  static Map<String, PrefixSet> networks(List<FeedConfig> feeds, List<Part> parts) {
    Map<String, PrefixSet> networks = new HashMap<>();
    for (FeedConfig feed : feeds) {
      feed.network()
          .ifPresent(network -> {
            for (Part part : parts) {
              if (part.kind() == Protection.Kind.CDN && part.detail().equals(feed.name())) {
                networks.merge(network, part.prefixes(), PrefixSet::union);
              }
            }
          });
    }
    return networks;
  }
}
