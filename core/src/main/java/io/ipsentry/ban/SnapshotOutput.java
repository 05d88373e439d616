package io.ipsentry.ban;

import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;

/**
 * Writes the bytes of a {@link BanSnapshot} to a stream and digests them, block by block. Confined
 * to one thread.
 */
final class SnapshotOutput {
  private static final int BLOCK_BYTES = 1 << 13;
  private static final int MAX_NUMBER_BYTES = 10;

  private final OutputStream out;
  private final MessageDigest digest;
  private final byte[] block = new byte[BLOCK_BYTES];
  private int at;

  SnapshotOutput(OutputStream out, MessageDigest digest) {
    this.out = out;
    this.digest = digest;
  }

  void u8(int value) throws IOException {
    if (at == block.length) {
      endBlock();
    }
    block[at++] = (byte) value;
  }

  void i32(int value) throws IOException {
    for (int shift = 24; shift >= 0; shift -= 8) {
      u8(value >>> shift);
    }
  }

  void i64(long value) throws IOException {
    i32((int) (value >>> 32));
    i32((int) value);
  }

  void bytes(byte[] from) throws IOException {
    for (int done = 0; done < from.length; ) {
      if (at == block.length) {
        endBlock();
      }
      int count = Math.min(from.length - done, block.length - at);
      System.arraycopy(from, done, block, at, count);
      at += count;
      done += count;
    }
  }

  /** Unsigned, as a varint. */
  void number(long value) throws IOException {
    if (block.length - at < MAX_NUMBER_BYTES) {
      endBlock();
    }
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      block[at++] = (byte) (rest & 0x7f | 0x80);
      rest >>>= 7;
    }
    block[at++] = (byte) rest;
  }

  private void endBlock() throws IOException {
    digest.update(block, 0, at);
    out.write(block, 0, at);
    at = 0;
  }

  /** Writes what is left and, behind it, the digest of everything; then no more may be written. */
  void finish() throws IOException {
    endBlock();
    out.write(digest.digest());
    out.flush();
  }
}
