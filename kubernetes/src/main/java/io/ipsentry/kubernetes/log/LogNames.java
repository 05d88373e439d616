package io.ipsentry.kubernetes.log;

import io.ipsentry.kubernetes.api.ConfigMaps.Selector;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Names and labels of the ConfigMaps of one log.
 *
 * @param release full name of the release, a DNS label of at most {@value #MAX_RELEASE_CHARS}
 *     characters
 */
public record LogNames(String release) {
  /** So that every name stays within the 253 characters of Kubernetes, and labels within 63. */
  static final int MAX_RELEASE_CHARS = 53;

  /** Which log it is of. */
  static final String LOG_LABEL = "ip-sentry.io/log";

  /** What it is in the log. */
  static final String PART_LABEL = "ip-sentry.io/part";

  static final String ENTRY = "entry";
  static final String MANIFEST = "manifest";
  static final String SNAPSHOT = "snapshot";
  static final String HISTORY = "history";

  /** Prefixes of a feed, which the log names. */
  public static final String FEED = "feed";

  private static final Pattern DNS_LABEL = Pattern.compile("[a-z0-9]([a-z0-9-]*[a-z0-9])?");

  public LogNames {
    if (release.length() > MAX_RELEASE_CHARS || !DNS_LABEL.matcher(release).matches()) {
      throw new IllegalArgumentException(
          "the name of a release is 1 to "
              + MAX_RELEASE_CHARS
              + " characters of a-z 0-9 and -, is "
              + release);
    }
  }

  /** The entry of an index, which counts from 1. */
  String entry(long index) {
    return String.format(Locale.ROOT, "%s-log-%010d", release, index);
  }

  /** Index of an entry of this log; empty: the name is none. */
  OptionalLong index(String name) {
    String prefix = release + "-log-";
    if (!name.startsWith(prefix)) {
      return OptionalLong.empty();
    }
    String digits = name.substring(prefix.length());
    if (digits.length() < 10
        || digits.length() > 18
        || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return OptionalLong.empty();
    }
    long index = Long.parseLong(digits);
    return name.equals(entry(index)) ? OptionalLong.of(index) : OptionalLong.empty();
  }

  String manifest() {
    return release + "-manifest";
  }

  String shard(long seq, int shard) {
    return release + "-snapshot-" + seq + '-' + shard;
  }

  String history(long first, long last) {
    return release + "-history-" + first + '-' + last;
  }

  /** A shard of the prefixes of a feed: each content has names of its own. */
  public String feed(String feed, String digest, int shard) {
    return release + "-feed-" + feed + '-' + digest + '-' + shard;
  }

  /** Of what is a part of the log, such as {@link #FEED}. */
  public Map<String, String> labels(String part) {
    return Map.of(
        "app.kubernetes.io/managed-by", "ip-sentry", LOG_LABEL, release, PART_LABEL, part);
  }

  /** What followers follow. */
  Selector followed() {
    return selected(Set.of(ENTRY, MANIFEST));
  }

  /** All of some parts. */
  public Selector selected(Set<String> parts) {
    return new Selector(Map.of(LOG_LABEL, release), PART_LABEL, parts);
  }
}
