package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The reading half of {@link BanSnapshot}, where the form is told. Checks every number and text, as
 * if the bytes came from anybody. Confined to one thread.
 */
final class BanSnapshotReader {
  private static final int MAX_UTF8_BYTES_A_CHAR = 3;

  /** When one of so many bans has come, room is made for the others. */
  private static final int BELIEVED = 4;

  private final SnapshotInput in;
  private final BanSlots.@Nullable Label[] recent = new BanSlots.Label[BanSnapshot.LABELS];
  private long labelsEver;
  private final int version;
  private long head;

  BanSnapshotReader(SnapshotInput in, int version) {
    this.in = in;
    this.version = version;
  }

  /** Fills a new state. */
  void readInto(ActiveBans state) throws IOException {
    head = in.number();
    long foldMillis = choice("time of the fold") ? time() : Long.MIN_VALUE;
    require((head == 0) == (foldMillis == Long.MIN_VALUE), "the head does not go with its time");
    state.restore(
        head,
        foldMillis,
        filling -> {
          bans(filling);
          allows(filling);
          feeds(filling);
          if (version > 1) {
            String edit = text(BanEvent.MAX_EDIT_CHARS);
            require(!edit.isEmpty(), "an edit without name");
            filling.setLastEdit(edit);
          }
        });
  }

  private void bans(BanFold state) throws IOException {
    long count = in.number();
    require(count <= BanSlots.MAX_SLOTS, "too many bans");
    @Nullable IpPrefix before = null;
    int chained = 0;
    for (long i = 0; i < count; i++) {
      int flags = in.u8();
      IpPrefix ip;
      if ((flags & BanSnapshot.SAME_PREFIX) == 0) {
        ip = prefix((flags & BanSnapshot.V4) != 0);
        require(before == null || before.compareTo(ip) < 0, "bans are out of order");
        chained = 0;
      } else {
        if (before == null) {
          throw new InvalidSnapshotException("the first ban has no prefix");
        }
        ip = before;
        require(ip.isV4() == ((flags & BanSnapshot.V4) != 0), "the family changes");
        require(++chained < ActiveBans.MAX_SCOPES, "too many scopes");
      }
      before = ip;
      if (i == count / BELIEVED && ip.isV4()) {
        state.reserveV4((int) (count - i));
      }
      if ((flags & BanSnapshot.FLOOR) != 0) {
        int known = BanSnapshot.FLOOR | BanSnapshot.SAME_PREFIX | BanSnapshot.V4;
        require((flags & ~known) == 0, "a floor is no ban");
        require(state.addFloor(ip, time()), "a scope comes twice");
      } else {
        require(ban(state, ip, flags), "a scope comes twice");
      }
    }
  }

  private boolean ban(BanFold state, IpPrefix ip, int flags) throws IOException {
    long seq = seq();
    long at = time();
    boolean unbanned = (flags & BanSnapshot.UNBANNED) != 0;
    long until = ActiveBans.FOR_EVER;
    if ((flags & BanSnapshot.PERMANENT) == 0) {
      until = near(at, difference());
      require(unbanned || until < BanEvent.MAX_TIME.toEpochMilli(), "an end that is none");
    } else {
      require(!unbanned, "an end for ever");
    }
    boolean evidence = (flags & BanSnapshot.EVIDENCE) != 0;
    long evidenceAge = evidence ? at - near(at, -difference()) : 0;
    int hits = integer();
    int offence = integer();
    require(offence > 0, "an offence counts from 1");
    BanSlots.Label label = label();
    return state.addBan(
        ip,
        new BanSlots.Copy(
            ip.hi(),
            ip.lo(),
            ip.length(),
            seq,
            at,
            until,
            evidenceAge,
            hits,
            offence,
            BanSlots.flags(
                BanSlots.seenAsOfCode(flags & BanSnapshot.SEEN_AS),
                unbanned,
                evidence,
                label.scope() != null),
            label));
  }

  private BanSlots.Label label() throws IOException {
    long back = in.number();
    if (back == 0) {
      boolean scoped = choice("scope");
      String rule = text(BanEvent.MAX_NAME_CHARS);
      String reason = text(BanEvent.MAX_REASON_CHARS);
      String by = text(BanEvent.MAX_NAME_CHARS);
      String scope = scoped ? text(BanEvent.MAX_NAME_CHARS) : null;
      BanSlots.Label label = new BanSlots.Label(rule, reason, by, scope);
      recent[(int) (labelsEver++ % BanSnapshot.LABELS)] = label;
      return label;
    }
    require(back > 0 && back <= Math.min(labelsEver, BanSnapshot.LABELS), "an unknown label");
    BanSlots.Label label = recent[(int) ((labelsEver - back) % BanSnapshot.LABELS)];
    if (label == null) {
      throw new InvalidSnapshotException("an unknown label");
    }
    return label;
  }

  private void allows(BanFold state) throws IOException {
    long count = in.number();
    @Nullable IpPrefix before = null;
    for (long i = 0; i < count; i++) {
      int family = in.u8();
      require(family == 4 || family == 6, "a family is 4 or 6");
      IpPrefix ip = prefix(family == 4);
      require(before == null || before.compareTo(ip) < 0, "allows are out of order");
      before = ip;
      long seq = seq();
      Instant at = Instant.ofEpochMilli(time());
      Instant until = choice("end") ? Instant.ofEpochMilli(time()) : null;
      String by = text(BanEvent.MAX_NAME_CHARS);
      String reason = text(BanEvent.MAX_REASON_CHARS);
      BanEvent.Allow allow = new BanEvent.Allow(at, ip, until, by, reason);
      require(until == null || allow.until() != null, "an end that is none");
      state.allows().put(new ActiveBans.Allowance(seq, allow));
    }
  }

  private void feeds(BanFold state) throws IOException {
    long count = in.number();
    String before = "";
    for (long i = 0; i < count; i++) {
      long seq = seq();
      Instant at = Instant.ofEpochMilli(time());
      String name = text(BanEvent.MAX_NAME_CHARS);
      require(before.compareTo(name) < 0, "feeds are out of order");
      before = name;
      String digest = text(BanEvent.Feed.MAX_DIGEST_CHARS);
      require(!digest.isEmpty(), "a feed without digest");
      int entries = integer();
      require(entries > 0, "a feed without entries is gone");
      String by = text(BanEvent.MAX_NAME_CHARS);
      BanEvent.Feed feed = new BanEvent.Feed(at, name, digest, entries, by);
      state.feeds().put(name, new ActiveBans.FeedState(seq, feed));
    }
  }

  private IpPrefix prefix(boolean v4) throws IOException {
    int bits = in.u8();
    IpPrefix ip;
    try {
      ip =
          v4
              ? new IpPrefix(0, IpPrefix.v4ToLo(in.i32()), bits + IpPrefix.MAX_LENGTH - 32)
              : new IpPrefix(in.i64(), in.i64(), bits);
    } catch (IllegalArgumentException e) {
      throw new InvalidSnapshotException("a prefix that is none", e);
    }
    require(ip.isV4() == v4, "a prefix in the other family's form");
    return ip;
  }

  private String text(int maxChars) throws IOException {
    long length = in.number();
    require(length >= 0 && length <= (long) maxChars * MAX_UTF8_BYTES_A_CHAR, "a text too long");
    byte[] bytes = new byte[(int) length];
    in.readFully(bytes);
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      require(text.length() <= maxChars, "a text too long");
      return text;
    } catch (CharacterCodingException e) {
      throw new InvalidSnapshotException("a text that is no UTF-8", e);
    }
  }

  private long seq() throws IOException {
    long seq = in.number();
    require(seq >= 1 && seq <= head, "an event behind the head");
    return seq;
  }

  private long time() throws IOException {
    return checkedTime(in.number());
  }

  /** A time that was written as its distance from another. */
  private static long near(long time, long distance) {
    long max = BanEvent.MAX_TIME.toEpochMilli();
    require(distance >= -max && distance <= max, "a time out of range");
    return checkedTime(time + distance);
  }

  private static long checkedTime(long millis) {
    require(millis >= 0 && millis <= BanEvent.MAX_TIME.toEpochMilli(), "a time out of range");
    return millis;
  }

  private boolean choice(String what) throws IOException {
    long value = in.number();
    require(value == 0 || value == 1, what + " is there or not");
    return value == 1;
  }

  private int integer() throws IOException {
    long value = in.number();
    require(value >= 0 && value <= Integer.MAX_VALUE, "a number out of range");
    return (int) value;
  }

  private long difference() throws IOException {
    long value = in.number();
    return value >>> 1 ^ -(value & 1);
  }

  private static void require(boolean good, String otherwise) {
    if (!good) {
      throw new InvalidSnapshotException(otherwise);
    }
  }
}
