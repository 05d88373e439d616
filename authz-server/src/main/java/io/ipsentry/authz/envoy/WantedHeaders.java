package io.ipsentry.authz.envoy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * The names of the headers that are read from a request, numbered. Most headers of a request are
 * none of them, and nearly all of those are told by their length and last letter alone.
 *
 * <p>Names are in lower case, as Envoy sends them. Immutable; safe for any thread.
 */
final class WantedHeaders {
  /** Number of {@code x-forwarded-for}. */
  static final int FORWARDED_FOR = 0;

  /** Number of {@code user-agent}. */
  static final int USER_AGENT = 1;

  /** Number of a header that is not read. */
  static final int UNWANTED = -1;

  /** How many are read whatever the policies say. */
  private static final int ALWAYS = 2;

  /** Reads no header. */
  static final WantedHeaders NONE = new WantedHeaders(List.of());

  private final List<String> texts;
  private final byte[][] names;
  private final long marks;

  private WantedHeaders(List<String> names) {
    this.texts = List.copyOf(names);
    this.names =
        names.stream()
            .map(name -> name.getBytes(StandardCharsets.ISO_8859_1))
            .toArray(byte[][]::new);
    long seen = 0;
    for (byte[] name : this.names) {
      seen |= mark(name.length, name[name.length - 1]);
    }
    this.marks = seen;
  }

  /** The two that are always read, and these. */
  static WantedHeaders with(Set<String> clientHeaders) {
    List<String> names = new ArrayList<>(List.of("x-forwarded-for", "user-agent"));
    clientHeaders.stream().filter(name -> !names.contains(name)).sorted().forEach(names::add);
    return new WantedHeaders(names);
  }

  int size() {
    return names.length;
  }

  /** Whether any is read because a policy takes the client's address from it. */
  boolean hasClientHeaders() {
    return names.length > ALWAYS;
  }

  /** Whether a header with a name of this length, at least 1, and last byte may be one of them. */
  boolean mayBe(int length, byte last) {
    return (marks & mark(length, last)) != 0;
  }

  /** One bit of 64, for a shift takes its distance modulo 64. */
  private static long mark(int length, byte last) {
    return 1L << (length ^ last);
  }

  /** Number of the header with this name, or {@link #UNWANTED}. */
  int find(byte[] bytes, int from, int to) {
    if (to <= from || !mayBe(to - from, bytes[to - 1])) {
      return UNWANTED;
    }
    for (int i = 0; i < names.length; i++) {
      if (Arrays.equals(names[i], 0, names[i].length, bytes, from, to)) {
        return i;
      }
    }
    return UNWANTED;
  }

  /** Number of the header with this name, or {@link #UNWANTED}. */
  int find(String name) {
    int found = texts.indexOf(name);
    return found < 0 ? UNWANTED : found;
  }
}
