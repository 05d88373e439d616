package io.ipsentry.watcher;

import java.io.OutputStream;

/**
 * A hash of what is written, of 64 bits, so that a change is overlooked less often than memory
 * fails. Confined to one thread.
 */
final class HashingStream extends OutputStream {
  private static final long FACTOR = 0x9E3779B97F4A7C15L;

  private long hash;
  private long length;

  static long hash(byte[] bytes) {
    HashingStream stream = new HashingStream();
    stream.write(bytes, 0, bytes.length);
    return stream.hash();
  }

  @Override
  public void write(int b) {
    mix((byte) b);
    length++;
  }

  @Override
  public void write(byte[] bytes, int from, int count) {
    for (int i = from; i < from + count; i++) {
      mix(bytes[i]);
    }
    length += count;
  }

  private void mix(byte b) {
    hash = (hash ^ b) * FACTOR;
    hash ^= hash >>> 32;
  }

  /** Of all that was written so far. */
  long hash() {
    return (hash ^ length) * FACTOR;
  }
}
