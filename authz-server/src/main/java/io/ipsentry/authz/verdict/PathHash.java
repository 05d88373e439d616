package io.ipsentry.authz.verdict;

import io.ipsentry.line.Slice;
import java.nio.charset.StandardCharsets;

/**
 * Tells the paths of requests apart without telling them: FNV-1a over the bytes of a request target
 * as they were sent, up to its query or fragment; 64 bits. Stateless.
 */
public final class PathHash {
  private static final long BASIS = 0xcbf29ce484222325L;
  private static final long PRIME = 0x100000001b3L;

  private PathHash() {}

  /** Of a target in UTF-8. */
  public static long of(String target) {
    byte[] bytes = target.getBytes(StandardCharsets.UTF_8);
    return of(bytes, 0, bytes.length);
  }

  /** Of a target; an absent one is as an empty one. */
  static long of(Slice target) {
    return of(target.array(), target.from(), target.from() + target.length());
  }

  private static long of(byte[] b, int from, int to) {
    long hash = BASIS;
    for (int i = from; i < to && b[i] != '?' && b[i] != '#'; i++) {
      hash = (hash ^ (b[i] & 0xff)) * PRIME;
    }
    return hash;
  }
}
