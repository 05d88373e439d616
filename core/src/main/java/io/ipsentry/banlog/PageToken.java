package io.ipsentry.banlog;

import io.ipsentry.net.IpPrefix;
import java.time.Instant;

/**
 * Where a page of a listing ended, and the moment the listing is about: {@code MILLIS/SEQ/PREFIX}.
 * Callers hand it back unread.
 */
record PageToken(Instant at, IpPrefix ip, long seq) {

  static PageToken parse(String token) {
    String[] parts = token.split("/", 3);
    try {
      if (parts.length == 3) {
        return new PageToken(
            Instant.ofEpochMilli(Long.parseLong(parts[0])),
            IpPrefix.parse(parts[2]),
            Long.parseLong(parts[1]));
      }
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("a page token was changed on its way", e);
    }
    throw new IllegalArgumentException("a page token was changed on its way");
  }

  @Override
  public String toString() {
    return at.toEpochMilli() + "/" + seq + "/" + ip;
  }
}
