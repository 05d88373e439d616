package io.ipsentry.watcher.source;

import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Reads one finished file, or a stream, from start to end as fast as it can; the caller pulls.
 *
 * <p>Gzip is known by its first bytes and unpacked on a thread of its own; several members one
 * after the other are one file. Data that is cut off or spoilt is delivered up to there, and {@link
 * #problem()} tells. The lines have {@link Long#MAX_VALUE} as time of observation. Confined to one
 * thread, save {@link #bytesDone()}.
 */
public final class ReplayReader implements AutoCloseable {
  private static final int BUFFER_BYTES = 32 * 1024;
  private static final int GZIP_INPUT_BYTES = 64 * 1024;
  private static final long NO_TIME = Long.MAX_VALUE;

  private final String label;
  private final LineHandler handler;
  private final LineBuffer buffer = new LineBuffer(BUFFER_BYTES + 2 * LineSource.MAX_LINE_BYTES);
  private final Bytes bytes;
  private final AtomicLong done;
  private final long total;
  private boolean atEnd;
  private boolean ended;
  private @Nullable String problem;

  private ReplayReader(
      String label, LineHandler handler, Bytes bytes, AtomicLong done, long total) {
    this.label = label;
    this.handler = handler;
    this.bytes = bytes;
    this.done = done;
    this.total = total;
  }

  /**
   * Opens a file.
   *
   * @throws IOException if it cannot be opened
   * @throws UnsupportedCompressionException if it is compressed, but not with gzip
   */
  public static ReplayReader open(Path file, LineHandler handler) throws IOException {
    RandomAccessFile opened = new RandomAccessFile(file.toFile(), "r");
    boolean kept = false;
    try {
      byte[] beginning = new byte[Compression.MAX_MAGIC_BYTES];
      int n = opened.read(beginning);
      opened.seek(0);
      Compression compression = Compression.of(beginning, n);
      AtomicLong done = new AtomicLong();
      Bytes bytes =
          compression.equals(Compression.NONE)
              ? new Plain(opened, done)
              : new Ahead(gzip(file.toString(), compression, stream(opened, done)));
      ReplayReader reader =
          new ReplayReader(file.toString(), handler, bytes, done, opened.length());
      kept = true;
      return reader;
    } finally {
      if (!kept) {
        opened.close();
      }
    }
  }

  /**
   * Reads a stream, such as standard input, which may be compressed with gzip.
   *
   * @param label what to call it in messages
   */
  public static ReplayReader of(String label, InputStream in, LineHandler handler)
      throws IOException {
    byte[] beginning = new byte[Compression.MAX_MAGIC_BYTES];
    PushbackInputStream whole = new PushbackInputStream(in, beginning.length);
    int n = whole.readNBytes(beginning, 0, beginning.length);
    whole.unread(beginning, 0, n);
    AtomicLong done = new AtomicLong();
    InputStream counted = new Counting(whole, done);
    Compression compression = Compression.of(beginning, n);
    Bytes bytes =
        new Ahead(
            compression.equals(Compression.NONE)
                ? ReadAhead.start("read " + label, counted)
                : gzip(label, compression, counted));
    return new ReplayReader(label, handler, bytes, done, -1);
  }

  private static InputStream stream(RandomAccessFile opened, AtomicLong done) {
    return new Counting(Channels.newInputStream(opened.getChannel()), done);
  }

  private static ReadAhead gzip(String label, Compression found, InputStream packed)
      throws IOException {
    if (!found.equals(Compression.GZIP)) {
      throw new UnsupportedCompressionException(label, found);
    }
    return ReadAhead.start("unpack " + label, new GZIPInputStream(packed, GZIP_INPUT_BYTES));
  }

  /** What was read, in messages: the path or the name of the stream. */
  public String label() {
    return label;
  }

  /**
   * Reads one piece and delivers the lines in it.
   *
   * @return false when all is delivered
   */
  public boolean readSome() {
    if (!atEnd) {
      fill();
      buffer.deliver(handler, NO_TIME);
    }
    return !atEnd || !finish();
  }

  /**
   * Delivers the next line.
   *
   * @return false when there was none and all is delivered
   */
  public boolean readLine() {
    while (!buffer.deliverOne(handler, NO_TIME)) {
      if (atEnd) {
        long before = buffer.lines();
        finish();
        return buffer.lines() > before;
      }
      fill();
    }
    return true;
  }

  private boolean finish() {
    if (!ended) {
      ended = true;
      buffer.deliverLast(handler, NO_TIME);
      handler.end();
    }
    return true;
  }

  private void fill() {
    int room = buffer.room();
    try {
      int n = bytes.read(buffer.bytes(), buffer.end(), room);
      atEnd = n < 0;
      buffer.added(Math.max(n, 0));
    } catch (EOFException e) {
      failed("compressed data ends early", e);
    } catch (IOException e) {
      failed("cannot be read further", e);
    }
  }

  private void failed(String what, IOException e) {
    atEnd = true;
    problem = label + ": " + what + " (" + e.getMessage() + "); the lines up to there were read";
  }

  /** Bytes of the file dealt with, as they lie on disk. Safe for any thread. */
  public long bytesDone() {
    return done.get();
  }

  /** Bytes the file has; -1 for a stream. */
  public long bytesTotal() {
    return total;
  }

  /** Lines delivered. */
  public long lines() {
    return buffer.lines();
  }

  /** Why not all of the file was read, in words; empty if nothing was wrong so far. */
  public Optional<String> problem() {
    return Optional.ofNullable(problem);
  }

  @Override
  public void close() {
    try {
      bytes.close();
    } catch (IOException e) {
      throw new UncheckedIOException("file did not close", e);
    }
  }

  /** Where the bytes come from. */
  private sealed interface Bytes {
    int read(byte[] b, int from, int length) throws IOException;

    void close() throws IOException;
  }

  /**
   * A plain file. Not by a channel: that copies as often, and its code is much more to compile in
   * the first second than one call.
   */
  private record Plain(RandomAccessFile opened, AtomicLong done) implements Bytes {
    @Override
    public int read(byte[] b, int from, int length) throws IOException {
      int n = opened.read(b, from, Math.min(length, BUFFER_BYTES));
      done.addAndGet(Math.max(n, 0));
      return n;
    }

    @Override
    public void close() throws IOException {
      opened.close();
    }
  }

  private static final class Ahead implements Bytes {
    private final ReadAhead ahead;
    private ReadAhead.@Nullable Block block;
    private int used;

    Ahead(ReadAhead ahead) {
      this.ahead = ahead;
    }

    @Override
    public int read(byte[] b, int from, int length) throws IOException {
      ReadAhead.Block now = block;
      if (now == null) {
        now = next();
        used = 0;
      }
      if (now.isEnd()) {
        block = now;
        IOException failure = now.failure();
        if (failure != null) {
          throw failure;
        }
        return -1;
      }
      int n = Math.min(length, now.length() - used);
      System.arraycopy(now.bytes(), used, b, from, n);
      used += n;
      block = used < now.length() ? now : null;
      if (block == null) {
        ahead.recycle(now);
      }
      return n;
    }

    private ReadAhead.Block next() throws IOException {
      try {
        return ahead.take();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }

    @Override
    public void close() {
      ahead.close();
    }
  }

  private static final class Counting extends FilterInputStream {
    private final AtomicLong done;

    Counting(InputStream in, AtomicLong done) {
      super(in);
      this.done = done;
    }

    /**
     * Never 0: GZIPInputStream would take that for the end and leave out the members behind it,
     * where a pipe has just nothing ready.
     */
    @Override
    public int available() throws IOException {
      return Math.max(super.available(), 1);
    }

    @Override
    public int read() throws IOException {
      int b = super.read();
      done.addAndGet(b < 0 ? 0 : 1);
      return b;
    }

    @Override
    public int read(byte[] b, int from, int length) throws IOException {
      int n = super.read(b, from, length);
      done.addAndGet(Math.max(n, 0));
      return n;
    }
  }
}
