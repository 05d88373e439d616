package io.ipsentry.feed;

import io.ipsentry.feed.FeedReading.BadLine;
import io.ipsentry.net.Address;
import io.ipsentry.net.AddressParser;
import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The entries of a list as they are read. Confined to one thread. */
final class FeedEntries {
  /** Wider prefixes are bad lines: one typing error would ban a part of the world. */
  private static final int WIDEST_V4_BITS = 8;

  private static final int WIDEST_V6_BITS = 16;
  private static final int V4_OFFSET = 96;
  private static final int MAX_LENGTH_DIGITS = 3;
  private static final int MAX_QUOTED = 40;

  /** Ends are put off to the next of these, so that there are few groups. */
  private static final Duration FINE = Duration.ofMinutes(10);

  private static final Duration COARSE = Duration.ofHours(1);
  private static final Duration COARSEST = Duration.ofDays(1);

  /** What ends later counts as lasting. */
  private static final Duration LONGEST = Duration.ofDays(365);

  private final Instant now;
  private final PrefixCollector lasting = new PrefixCollector();
  private final NavigableMap<Instant, PrefixCollector> ending = new TreeMap<>();
  private final Address address = new Address();
  private final List<BadLine> shown = new ArrayList<>();
  private int taken;
  private int skipped;
  private int bad;

  /**
   * @param now ends are counted from here
   */
  FeedEntries(Instant now) {
    this.now = now;
  }

  /** How many were met, of any kind. */
  int size() {
    return taken + skipped + bad;
  }

  int taken() {
    return taken;
  }

  int skipped() {
    return skipped;
  }

  int bad() {
    return bad;
  }

  List<BadLine> shown() {
    return shown;
  }

  FeedContent content() {
    NavigableMap<Instant, PrefixSet> groups = new TreeMap<>();
    ending.forEach((end, prefixes) -> groups.put(end, prefixes.build()));
    return new FeedContent(lasting.build(), groups);
  }

  /** An entry that is not wanted. */
  void skip() {
    skipped++;
  }

  /** An entry that cannot be read. */
  void bad(long line, String reason) {
    bad++;
    if (shown.size() < FeedReading.MAX_SHOWN) {
      shown.add(new BadLine(line, reason));
    }
  }

  /** An address or prefix as a text. */
  void take(String text, @Nullable Duration left, long line) {
    byte[] bytes = text.strip().getBytes(StandardCharsets.ISO_8859_1);
    take(bytes, 0, bytes.length, left, line);
  }

  /**
   * An address or prefix in {@code b[from, to)}.
   *
   * @param left how long it is to be held; null: as long as it is in the list
   */
  void take(byte[] b, int from, int to, @Nullable Duration left, long line) {
    int slash = from;
    boolean colon = false;
    while (slash < to && b[slash] != '/') {
      colon |= b[slash] == ':';
      slash++;
    }
    int bits = slash == to ? IpPrefix.MAX_LENGTH : length(b, slash + 1, to, colon);
    if (bits < 0 || !AddressParser.parse(b, from, slash, address)) {
      bad(line, reason(b, from, to));
      return;
    }
    boolean isV4 = address.isV4() && bits >= V4_OFFSET;
    if (isV4 ? bits - V4_OFFSET < WIDEST_V4_BITS : bits < WIDEST_V6_BITS) {
      bad(
          line,
          quoted(b, from, to) + " is wider than /" + (isV4 ? WIDEST_V4_BITS : WIDEST_V6_BITS));
      return;
    }
    if (left == null || left.compareTo(LONGEST) > 0) {
      lasting.add(address.hi(), address.lo(), bits);
    } else if (left.isNegative() || left.isZero()) {
      skip();
      return;
    } else {
      ending
          .computeIfAbsent(rounded(now.plus(left), left), end -> new PrefixCollector())
          .add(address.hi(), address.lo(), bits);
    }
    taken++;
  }

  /** The length in the 128-bit space; -1: it is none. */
  private static int length(byte[] b, int from, int to, boolean colon) {
    if (to == from || to - from > MAX_LENGTH_DIGITS || b[from] == '0' && to - from > 1) {
      return -1;
    }
    int bits = 0;
    for (int i = from; i < to; i++) {
      if (b[i] < '0' || b[i] > '9') {
        return -1;
      }
      bits = bits * 10 + b[i] - '0';
    }
    int length = colon ? bits : bits + V4_OFFSET;
    return length > IpPrefix.MAX_LENGTH ? -1 : length;
  }

  private static Instant rounded(Instant end, Duration left) {
    Duration step =
        left.compareTo(Duration.ofDays(1)) <= 0
            ? FINE
            : left.compareTo(Duration.ofDays(30)) <= 0 ? COARSE : COARSEST;
    long seconds = step.toSeconds();
    return Instant.ofEpochSecond(Math.ceilDiv(end.getEpochSecond() + 1, seconds) * seconds);
  }

  private static String reason(byte[] b, int from, int to) {
    String text = new String(b, from, to - from, StandardCharsets.ISO_8859_1);
    try {
      IpPrefix ignored = IpPrefix.parse(text);
      return quoted(b, from, to) + " is not an address";
    } catch (InvalidAddressException e) {
      return quoted(b, from, to) + " is not an address: " + e.reason();
    }
  }

  /** The start of a text for people, in printable ASCII. */
  static String quoted(byte[] b, int from, int to) {
    StringBuilder text = new StringBuilder("'");
    for (int i = from; i < Math.min(to, from + MAX_QUOTED); i++) {
      text.append(b[i] >= ' ' && b[i] < 0x7f ? (char) b[i] : '?');
    }
    return text.append(to - from > MAX_QUOTED ? "…'" : "'").toString();
  }
}
