package io.ipsentry.cli;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.config.Config;
import io.ipsentry.watcher.feed.FeedRanges;
import io.ipsentry.watcher.host.HostAddresses;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The configuration in force, and what must not be banned: by it, for the addresses of this host,
 * and for what else was found. Safe for any thread.
 */
final class InForce {
  private final Config started;
  private final Consumer<ProtectedPrefixes> listener;
  private Config config;
  private HostAddresses addresses;
  private List<Part> found = List.of();
  private FeedRanges ranges = FeedRanges.NONE;
  private volatile ProtectedPrefixes protection;

  /**
   * @param listener is told of every change of {@link #protection}
   */
  InForce(Config first, HostAddresses addresses, Consumer<ProtectedPrefixes> listener) {
    this(first, FeedRanges.NONE, addresses, listener);
  }

  /**
   * @param ranges what feeds said before
   */
  InForce(
      Config first,
      FeedRanges ranges,
      HostAddresses addresses,
      Consumer<ProtectedPrefixes> listener) {
    started = first;
    config = first;
    this.ranges = ranges;
    this.addresses = addresses;
    this.listener = listener;
    protection = Protections.of(first, addresses, CdnRanges.parts(ranges));
  }

  /** What the process was started with. */
  Config started() {
    return started;
  }

  synchronized Config config() {
    return config;
  }

  ProtectedPrefixes protection() {
    return protection;
  }

  /** The configuration was read again. */
  synchronized void configure(Config now) {
    config = now;
    protect();
  }

  /** The addresses of this host are others. */
  synchronized void addresses(HostAddresses now) {
    addresses = now;
    protect();
  }

  /** What else is protected, in place of what was found before. */
  synchronized void found(List<Part> parts) {
    if (!parts.equals(found)) {
      found = List.copyOf(parts);
      protect();
    }
  }

  /**
   * What the feeds say now; of those that could not be read yet, what was known of them holds.
   *
   * @return what they protect, a part for each
   */
  synchronized List<Part> ranges(FeedRanges told) {
    FeedRanges now = told.after(ranges);
    if (!now.known().equals(ranges.known())) {
      ranges = now;
      protect();
    }
    ranges = now;
    return CdnRanges.parts(now);
  }

  private void protect() {
    List<Part> others = new ArrayList<>(found);
    others.addAll(CdnRanges.parts(ranges));
    ProtectedPrefixes now = Protections.of(config, addresses, others);
    protection = now;
    listener.accept(now);
  }
}
