package io.ipsentry.ban;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;

/**
 * The bytes of a {@link BanSnapshot}, taken from a stream and digested block by block: there are
 * some thirty of them a ban. Confined to one thread.
 */
final class SnapshotInput {
  private static final int BLOCK_BYTES = 1 << 13;

  private final InputStream in;
  private final MessageDigest digest;
  private final byte[] block = new byte[BLOCK_BYTES];
  private int at;
  private int end;

  SnapshotInput(InputStream in, MessageDigest digest) {
    this.in = in;
    this.digest = digest;
  }

  /**
   * The next byte, 0 to 255.
   *
   * @throws EOFException at the end
   */
  int u8() throws IOException {
    while (at == end) {
      nextBlock();
    }
    return block[at++] & 0xff;
  }

  private void nextBlock() throws IOException {
    digest.update(block, 0, end);
    at = 0;
    end = 0;
    int count = in.read(block, 0, block.length);
    if (count < 0) {
      throw new EOFException();
    }
    end = count;
  }

  int i32() throws IOException {
    return u8() << 24 | u8() << 16 | u8() << 8 | u8();
  }

  long i64() throws IOException {
    return (long) i32() << 32 | Integer.toUnsignedLong(i32());
  }

  void readFully(byte[] to) throws IOException {
    for (int done = 0; done < to.length; ) {
      if (at == end) {
        nextBlock();
      }
      int count = Math.min(to.length - done, end - at);
      System.arraycopy(block, at, to, done, count);
      at += count;
      done += count;
    }
  }

  /** An unsigned varint in its shortest form, as there must be one form only. */
  long number() throws IOException {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      int next = u8();
      value |= (long) (next & 0x7f) << shift;
      if (next < 0x80) {
        if (next == 0 && shift != 0) {
          throw new InvalidSnapshotException("a number in a long form");
        }
        if (shift == 63 && next != 1) {
          throw new InvalidSnapshotException("a number out of range");
        }
        return value;
      }
    }
    throw new InvalidSnapshotException("a number out of range");
  }

  /** The digest of all that was taken; nothing that comes behind it is digested. */
  byte[] digest() {
    digest.update(block, 0, at);
    byte[] value = digest.digest();
    System.arraycopy(block, at, block, 0, end - at);
    end -= at;
    at = 0;
    return value;
  }

  boolean isAtEnd() throws IOException {
    return at == end && in.read() < 0;
  }
}
