package io.ipsentry.enforcer.kernel;

import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads what {@code nft list set} writes. From {@code elements = } on there are several elements a
 * line within braces, separated by commas: {@code ADDRESS timeout 1d2h expires 23h59m59s996ms}.
 * Without {@code expires} it stays for ever. Confined to one thread.
 */
final class NftElements {
  private static final Pattern SET = Pattern.compile("v([46])-(\\d+)(-\\d+)?");

  private static final Pattern ELEMENT =
      Pattern.compile("([0-9a-f.:]+)(?: timeout \\w+)?(?: expires (\\w+))?(?: .*)?");

  private static final Pattern DURATION =
      Pattern.compile("(?:(\\d+)w)?(?:(\\d+)d)?(?:(\\d+)h)?(?:(\\d+)m)?(?:(\\d+)s)?(?:(\\d+)ms)?");

  private static final long[] UNITS = {604_800_000, 86_400_000, 3_600_000, 60_000, 1_000, 1};

  private final int length;
  private final InstantSource clock;
  private final long longestMillis;
  private final PacketFilter.ElementVisitor visitor;

  /**
   * @param length of the prefixes whose first addresses are in the set (128-bit space)
   * @param longestMillis what is left longer than that was put for ever
   */
  NftElements(
      int length, InstantSource clock, long longestMillis, PacketFilter.ElementVisitor visitor) {
    this.length = length;
    this.clock = clock;
    this.longestMillis = longestMillis;
    this.visitor = visitor;
  }

  /**
   * The length of the prefixes in a set (128-bit space), from its name; 0: it is not one of ours.
   */
  static int lengthOf(String set) {
    Matcher matcher = SET.matcher(set);
    if (!matcher.matches()) {
      return 0;
    }
    int bits = Integer.parseInt(matcher.group(2));
    return matcher.group(1).equals("4") ? bits + 96 : bits;
  }

  /** The family of a set of ours, from its name. */
  static Family familyOf(String set) {
    return set.startsWith("v4-") ? Family.V4 : Family.V6;
  }

  /** Reads to the end. */
  void readFrom(InputStream in) throws IOException {
    Reader text = new InputStreamReader(in, StandardCharsets.US_ASCII);
    BufferedReader lines = new BufferedReader(text, 1 << 16);
    boolean inside = false;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String rest = line;
      int begin = line.indexOf("elements = {");
      if (begin >= 0) {
        inside = true;
        rest = line.substring(begin + "elements = {".length());
      }
      if (!inside) {
        continue;
      }
      int end = rest.indexOf('}');
      if (end >= 0) {
        inside = false;
        rest = rest.substring(0, end);
      }
      for (String element : rest.split(",")) {
        if (!element.isBlank()) {
          element(element.strip());
        }
      }
    }
  }

  private void element(String text) throws IOException {
    Matcher matcher = ELEMENT.matcher(text);
    if (!matcher.matches()) {
      throw new IOException("no element in the listing of a set: " + text);
    }
    try {
      IpPrefix address = IpPrefix.parse(matcher.group(1));
      String left = matcher.group(2);
      long millis = left == null ? Long.MAX_VALUE : millis(left);
      visitor.element(
          IpPrefix.of(address.hi(), address.lo(), length),
          millis > longestMillis ? PacketFilter.FOR_EVER : clock.millis() + millis);
    } catch (InvalidAddressException e) {
      throw new IOException("no address in the listing of a set: " + text, e);
    }
  }

  private static long millis(String duration) throws IOException {
    Matcher matcher = DURATION.matcher(duration);
    if (!matcher.matches()) {
      throw new IOException("no duration in the listing of a set: " + duration);
    }
    long sum = 0;
    for (int i = 0; i < UNITS.length; i++) {
      String number = matcher.group(i + 1);
      sum += number == null ? 0 : Long.parseLong(number) * UNITS[i];
    }
    return sum;
  }
}
