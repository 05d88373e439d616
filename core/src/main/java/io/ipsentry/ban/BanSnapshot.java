package io.ipsentry.ban;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * {@link ActiveBans} as bytes, so that a reader of the log need not begin at its first event: the
 * fold of a snapshot and the events behind it is the fold of all events.
 *
 * <p>The bytes are a pure function of the events and the {@link ActiveBans.Limits}: whoever has
 * folded the same events writes the same bytes. Numbers are unsigned LEB128 varints unless a width
 * is given; {@code z} is zigzag; a text is its length in bytes and UTF-8; widths are big-endian.
 *
 * <pre>{@code
 * snapshot = "IPSBANS" version:u8 head fold bans:count ban* allows:count allow* feeds:count feed* edit sha256:32 bytes
 * fold     = 0 (no event yet) | 1 newest-event-time
 * ban      = flags:u8 prefix? ( until                                            flags has FLOOR
 *            | seq at (z until-at)? (z at-evidence)? hits offence label )
 * label    = 0 scope:u8 rule reason by scope? | n      the n-th last one of the new labels, 1 to 4096
 * prefix   = bits:u8 address:4 bytes (IPv4) | bits:u8 address:16 bytes (IPv6)
 * allow    = family:u8 (4 or 6) prefix seq at (0 | 1 until) by reason
 * feed     = seq at name digest entries by
 * edit     = nothing in version 1 | the last edit that events name, in version 2
 * }</pre>
 *
 * <p>Flags of a ban: 1, 2 how it was seen (0 peer, 1 forwarded, 2 manual, 3 feed); 4 unbanned; 8
 * has evidence; 16 permanent, no {@code until}; 32 FLOOR, nobody was banned, only hits up to {@code
 * until} do not count; 64 of the same prefix as the one before, in the order in which its scopes
 * are searched; 128 IPv4. Bans and allows are in order of their prefixes, feeds in order of their
 * names, each once. Times are milliseconds since 1970.
 *
 * <p>Evolution: a reader knows the versions up to its own and refuses a newer one. Version 1 is
 * written as long as no event names an edit. The checksum covers everything before it and is
 * checked before a state is given out. A reader takes memory as entries arrive, and for the rest
 * when a quarter of them has, so what is cut short or made up cannot make it take much more than
 * its input is worth; the caller bounds the input.
 *
 * <p>Stateless. While a state is written, nobody may {@link ActiveBans#apply} to it (they wait).
 */
public final class BanSnapshot {
  /** The newest that is written and read. */
  public static final int VERSION = 2;

  static final byte[] MAGIC = {'I', 'P', 'S', 'B', 'A', 'N', 'S'};
  static final int DIGEST_BYTES = 32;

  /** New labels that a label can name. */
  static final int LABELS = 4_096;

  static final int SEEN_AS = 3;
  static final int UNBANNED = 4;
  static final int EVIDENCE = 8;
  static final int PERMANENT = 16;
  static final int FLOOR = 32;
  static final int SAME_PREFIX = 64;
  static final int V4 = 128;

  private BanSnapshot() {}

  /** Writes a state; the stream is flushed and stays open. */
  public static void write(ActiveBans state, OutputStream out) throws IOException {
    SnapshotOutput data = new SnapshotOutput(out, sha256());
    data.bytes(MAGIC);
    new BanSnapshotWriter(data).write(state);
    data.finish();
  }

  /**
   * Reads a state.
   *
   * @param in the snapshot and nothing behind it; it needs no buffer
   * @param limits of the new state; with smaller ones than the writer's, more is forgotten
   * @throws InvalidSnapshotException if it is none that this version reads
   * @throws IOException if the stream cannot be read
   */
  public static ActiveBans read(InputStream in, ActiveBans.Limits limits) throws IOException {
    SnapshotInput data = new SnapshotInput(in, sha256());
    try {
      byte[] magic = new byte[MAGIC.length];
      data.readFully(magic);
      if (!MessageDigest.isEqual(magic, MAGIC)) {
        throw new InvalidSnapshotException("it begins otherwise");
      }
      int version = data.u8();
      if (version < 1 || version > VERSION) {
        throw new InvalidSnapshotException(
            "version " + version + "; this ip-sentry knows 1 to " + VERSION);
      }
      ActiveBans state = new ActiveBans(limits);
      new BanSnapshotReader(data, version).readInto(state);
      byte[] digest = data.digest();
      byte[] expected = new byte[DIGEST_BYTES];
      data.readFully(expected);
      if (!MessageDigest.isEqual(digest, expected)) {
        throw new InvalidSnapshotException("its checksum is wrong");
      }
      if (!data.isAtEnd()) {
        throw new InvalidSnapshotException("something follows behind it");
      }
      return state;
    } catch (EOFException e) {
      throw new InvalidSnapshotException("it is cut short", e);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
