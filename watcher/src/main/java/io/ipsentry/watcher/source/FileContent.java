package io.ipsentry.watcher.source;

import java.io.Closeable;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** The bytes of one open file, by position. Confined to one thread. */
sealed interface FileContent extends Closeable {
  /** Bytes there are; {@link Long#MAX_VALUE} while that is not known. */
  long size() throws IOException;

  /**
   * Reads from {@code position} on into {@code b}.
   *
   * @return how many bytes, or -1 at the end
   */
  int read(byte[] b, int from, int length, long position) throws IOException;

  /** Whether the file may still grow. */
  boolean grows();

  /** Opens a file by its name: one that ends in {@code .gz} is decompressed. */
  static FileContent open(Path path) throws IOException {
    return RotatedNames.isGzip(path) ? Gzip.open(path) : Plain.open(path);
  }

  /** Reads the first {@code b.length} bytes or as many as there are. */
  static int beginning(FileContent content, byte[] b) throws IOException {
    int have = 0;
    while (have < b.length) {
      int n = content.read(b, have, b.length - have, have);
      if (n < 0) {
        break;
      }
      have += n;
    }
    return have;
  }

  /** A file as it is. */
  record Plain(FileChannel channel) implements FileContent {
    static Plain open(Path path) throws IOException {
      return new Plain(FileChannel.open(path, StandardOpenOption.READ));
    }

    @Override
    public long size() throws IOException {
      return channel.size();
    }

    @Override
    public int read(byte[] b, int from, int length, long position) throws IOException {
      return channel.read(ByteBuffer.wrap(b, from, length), position);
    }

    @Override
    public boolean grows() {
      return true;
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  /**
   * What a compressed file holds. Reading goes forward; a position is read again only if it lies in
   * what the last call returned, or starts the file over.
   */
  final class Gzip implements FileContent {
    private static final int INPUT_BYTES = 1 << 16;

    /** Kept, because the name may be another file's when the content is read again. */
    private final FileChannel channel;

    private InputStream in;
    private long offset;
    private byte[] last = new byte[0];
    private boolean ended;

    private Gzip(FileChannel channel) throws IOException {
      this.channel = channel;
      in = stream(channel);
    }

    static Gzip open(Path path) throws IOException {
      FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
      try {
        return new Gzip(channel);
      } catch (IOException e) {
        channel.close();
        throw e;
      }
    }

    private static InputStream stream(FileChannel channel) throws IOException {
      channel.position(0);
      InputStream packed =
          new FilterInputStream(Channels.newInputStream(channel)) {
            @Override
            public void close() {
              // What unpacks is let go; the channel is read again, or closed after it.
            }
          };
      return new GZIPInputStream(packed, INPUT_BYTES);
    }

    @Override
    public long size() {
      return ended ? offset : Long.MAX_VALUE;
    }

    @Override
    public int read(byte[] b, int from, int length, long position) throws IOException {
      if (position < offset - last.length) {
        in.close();
        in = stream(channel);
        offset = 0;
        last = new byte[0];
        ended = false;
      }
      while (position >= offset && !ended) {
        last = chunk(length);
        offset += last.length;
      }
      if (position >= offset) {
        return -1;
      }
      int start = (int) (position - (offset - last.length));
      int kept = Math.min(length, last.length - start);
      System.arraycopy(last, start, b, from, kept);
      if (kept == length || ended) {
        return kept;
      }
      // The rest of a line may lie in the next chunk: it must reach the caller in one piece.
      byte[] more = chunk(length - kept);
      byte[] both = new byte[kept + more.length];
      System.arraycopy(last, start, both, 0, kept);
      System.arraycopy(more, 0, both, kept, more.length);
      System.arraycopy(more, 0, b, from + kept, more.length);
      last = both;
      offset += more.length;
      return both.length;
    }

    private byte[] chunk(int length) throws IOException {
      byte[] chunk = new byte[length];
      int have = 0;
      try {
        while (have < length && !ended) {
          int n = in.read(chunk, have, length - have);
          ended = n < 0;
          have += Math.max(n, 0);
        }
      } catch (EOFException | ZipException e) {
        // Cut off or spoilt in the middle: what could be unpacked before is kept.
        ended = true;
      }
      return Arrays.copyOf(chunk, have);
    }

    @Override
    public boolean grows() {
      return false;
    }

    @Override
    public void close() throws IOException {
      try (channel) {
        in.close();
      }
    }
  }
}
