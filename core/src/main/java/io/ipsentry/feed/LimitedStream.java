package io.ipsentry.feed;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Refuses a list that has more bytes than it may. */
final class LimitedStream extends FilterInputStream {
  private final long most;
  private long left;

  LimitedStream(InputStream in, long most) {
    super(in);
    this.most = most;
    left = most;
  }

  @Override
  public int read() throws IOException {
    int read = super.read();
    if (read >= 0) {
      took(1);
    }
    return read;
  }

  @Override
  public int read(byte[] b, int off, int len) throws IOException {
    int read = super.read(b, off, len);
    if (read > 0) {
      took(read);
    }
    return read;
  }

  @Override
  public long skip(long n) throws IOException {
    long skipped = super.skip(n);
    took(skipped);
    return skipped;
  }

  @Override
  public boolean markSupported() {
    return false;
  }

  private void took(long bytes) throws IOException {
    left -= bytes;
    if (left < 0) {
      throw new RefusedListException("it is larger than " + (most >> 20) + " MiB");
    }
  }
}
