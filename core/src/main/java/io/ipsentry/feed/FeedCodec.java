package io.ipsentry.feed;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.PrefixSetBuilder;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * A prefix set as bytes, which depend on the set alone: {@code F 1}, the numbers of IPv4 and IPv6
 * prefixes, then those of each family in order, in blocks of at most {@value #BLOCK}: their
 * lengths, a byte each, and their addresses. Of IPv4 an address is what lies between it and the end
 * of the prefix before; of IPv6 it is the difference of the upper halves and, where that is 0, of
 * the lower ones, else the lower half. Numbers are unsigned, seven bits a byte, lowest first, the
 * eighth bit says that more follow. A million scattered IPv4 addresses are 3 MB. Stateless.
 */
public final class FeedCodec {
  private static final int BLOCK = 4_096;
  private static final int V4_OFFSET = 96;
  private static final int MAX_NUMBER_BYTES = 10;

  private FeedCodec() {}

  /** A set as bytes. */
  public static byte[] bytes(PrefixSet set) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 14);
    try {
      write(set, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return bytes.toByteArray();
  }

  /** The name of a set: {@code sha256:} and 64 hexadecimal digits, of its {@link #bytes}. */
  public static String digest(byte[] bytes) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      return "sha256:" + HexFormat.of().formatHex(sha256.digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Writes a set. */
  public static void write(PrefixSet set, OutputStream out) throws IOException {
    Counts counts = new Counts();
    set.forEach(counts);
    out.write('F');
    out.write('1');
    number(counts.v4, out);
    number(counts.v6, out);
    Writer writer = new Writer(out);
    set.forEach(writer);
    writer.end();
    writer.rethrow();
  }

  private static final class Counts implements PrefixSet.PrefixVisitor {
    int v4;
    int v6;

    @Override
    public void prefix(long hi, long lo, int length) {
      if (isV4(hi, lo, length)) {
        v4++;
      } else {
        v6++;
      }
    }
  }

  private static boolean isV4(long hi, long lo, int length) {
    return length >= V4_OFFSET && IpPrefix.isV4(hi, lo);
  }

  /** Collects a block. IPv4 comes first, so a block is of one family. */
  private static final class Writer implements PrefixSet.PrefixVisitor {
    private final OutputStream out;
    private final long[] hi = new long[BLOCK];
    private final long[] lo = new long[BLOCK];
    private final byte[] lengths = new byte[BLOCK];
    private int size;
    private boolean ofV4 = true;
    private final Previous previous = new Previous();
    private @Nullable IOException failure;

    Writer(OutputStream out) {
      this.out = out;
    }

    @Override
    public void prefix(long prefixHi, long prefixLo, int length) {
      boolean v4 = isV4(prefixHi, prefixLo, length);
      if (v4 != ofV4 || size == BLOCK) {
        end();
        ofV4 = v4;
      }
      hi[size] = prefixHi;
      lo[size] = prefixLo;
      lengths[size++] = (byte) length;
    }

    void end() {
      try {
        out.write(lengths, 0, size);
        for (int i = 0; i < size; i++) {
          if (ofV4) {
            long address = lo[i] & 0xffff_ffffL;
            number(address - previous.end4, out);
          } else {
            long more = hi[i] - previous.hi;
            number(more, out);
            number(more == 0 ? lo[i] - previous.lo : lo[i], out);
          }
          previous.move(ofV4, hi[i], lo[i], lengths[i] & 0xff);
        }
      } catch (IOException e) {
        failure = e;
      }
      size = 0;
    }

    void rethrow() throws IOException {
      IOException failed = failure;
      if (failed != null) {
        throw failed;
      }
    }
  }

  /** Behind what the next address is counted. */
  private static final class Previous {
    long end4;
    long hi;
    long lo;

    void move(boolean v4, long newHi, long newLo, int length) {
      if (v4) {
        end4 = (newLo & 0xffff_ffffL) + (1L << (IpPrefix.MAX_LENGTH - length));
      } else {
        hi = newHi;
        lo = newLo;
      }
    }
  }

  /**
   * Reads a set.
   *
   * @param bytes how many there are, at most: no more memory than they can fill is taken
   * @throws InvalidFeedException if they are no set, or not in the one form that a set has
   * @throws IOException if they cannot be read
   */
  public static PrefixSet read(InputStream in, long bytes) throws IOException {
    try {
      if (in.read() != 'F' || in.read() != '1') {
        throw new InvalidFeedException("it does not begin as the prefixes of a feed do");
      }
      int count4 = count(in, bytes);
      int count6 = count(in, bytes);
      PrefixSetBuilder builder = new PrefixSetBuilder(count4, count6);
      Previous previous = new Previous();
      read(in, true, count4, previous, builder);
      read(in, false, count6, previous, builder);
      PrefixSet set = builder.build();
      if (set.size() != count4 + count6) {
        throw new InvalidFeedException("some of its prefixes lie in others");
      }
      if (in.read() >= 0) {
        throw new InvalidFeedException("there are bytes behind its end");
      }
      return set;
    } catch (EOFException e) {
      throw new InvalidFeedException("it ends too early", e);
    } catch (IllegalArgumentException e) {
      throw new InvalidFeedException(String.valueOf(e.getMessage()), e);
    }
  }

  private static int count(InputStream in, long bytes) throws IOException {
    long count = number(in);
    if (count < 0 || count > bytes / 2 || count > PrefixSet.MAX_PREFIXES) {
      throw new InvalidFeedException("it says that it has " + count + " prefixes");
    }
    return (int) count;
  }

  private static void read(
      InputStream in, boolean v4, int count, Previous previous, PrefixSetBuilder builder)
      throws IOException {
    byte[] lengths = new byte[Math.min(BLOCK, count)];
    for (int done = 0; done < count; done += BLOCK) {
      int size = Math.min(BLOCK, count - done);
      if (in.readNBytes(lengths, 0, size) < size) {
        throw new EOFException();
      }
      for (int i = 0; i < size; i++) {
        int length = lengths[i] & 0xff;
        long hi = 0;
        long lo;
        if (v4) {
          long address = previous.end4 + number(in);
          if (address < 0 || address > 0xffff_ffffL || length < V4_OFFSET) {
            throw new InvalidFeedException("an IPv4 prefix is none");
          }
          lo = IpPrefix.v4ToLo((int) address);
        } else {
          long more = number(in);
          hi = previous.hi + more;
          lo = number(in) + (more == 0 ? previous.lo : 0);
          if (isV4(hi, lo, length)) {
            throw new InvalidFeedException("an IPv4 prefix is among those of IPv6");
          }
        }
        builder.add(hi, lo, length);
        previous.move(v4, hi, lo, length);
      }
    }
  }

  private static void number(long number, OutputStream out) throws IOException {
    long left = number;
    while ((left & ~0x7fL) != 0) {
      out.write((int) (left & 0x7f) | 0x80);
      left >>>= 7;
    }
    out.write((int) left);
  }

  private static long number(InputStream in) throws IOException {
    long number = 0;
    for (int i = 0; i < MAX_NUMBER_BYTES; i++) {
      int next = in.read();
      if (next < 0) {
        throw new EOFException();
      }
      number |= (next & 0x7fL) << (7 * i);
      if (next < 0x80) {
        // In one form only: no bits that do not fit, and no zeros in front.
        if (i == MAX_NUMBER_BYTES - 1 && next > 1 || i > 0 && next == 0) {
          break;
        }
        return number;
      }
    }
    throw new InvalidFeedException("a number has too many digits");
  }
}
