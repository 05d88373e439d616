package io.ipsentry.config;

import java.net.URI;
import java.nio.file.Path;

/** Where a list of addresses, or something about it, is fetched from. */
public sealed interface FeedOrigin {
  /** By HTTP. */
  record Url(URI url) implements FeedOrigin {
    @Override
    public String toString() {
      return url.toString();
    }
  }

  /** From a file of this host. */
  record File(Path path) implements FeedOrigin {
    @Override
    public String toString() {
      return path.toString();
    }
  }
}
