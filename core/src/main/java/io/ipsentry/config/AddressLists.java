package io.ipsentry.config;

import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Reads lists of addresses: one text or a list of them, each an address, a prefix, {@code
 * file:PATH} or (where it makes sense) a name such as {@code cloudflare}; or {@code ip:} and {@code
 * files:} as in the Traefik plugin.
 *
 * <p>A list file has one address or prefix a line; what follows {@code #} or {@code ;} is a
 * comment. A bad line is a warning, and the rest of the file is taken: one typing error must not
 * leave a list out of force. A file that cannot be read is an error, because a list that is
 * silently empty is worse.
 */
final class AddressLists {
  /** Largest list file, in bytes. */
  static final int MAX_FILE_BYTES = 64 << 20;

  /** Most entries of one list, files included. */
  static final int MAX_ENTRIES = 2_000_000;

  /** More bad lines of one file are counted but not shown one by one. */
  static final int MAX_BAD_LINES_SHOWN = 20;

  private static final String FILE = "file:";

  /** The three bytes that some editors write first, read as ISO 8859-1. */
  private static final String BYTE_ORDER_MARK = "\u00ef\u00bb\u00bf";

  private final InputFiles files;
  private final Problems problems;
  private final Path directory;

  AddressLists(InputFiles files, Problems problems, Path directory) {
    this.files = files;
    this.problems = problems;
    this.directory = directory;
  }

  /** Where the entries of a list go, and what it refuses. */
  private static final class Sink {
    private final List<IpPrefix> prefixes = new ArrayList<>();
    private final boolean names;
    private final PrefixSet refused;
    private final Set<String> networks = new HashSet<>();
    private PrefixSet named = PrefixSet.empty();
    private PrefixSet namedPrivate = PrefixSet.empty();

    /**
     * @param names whether names of known networks may stand for their prefixes
     * @param refused addresses that may not be in the list
     */
    Sink(boolean names, PrefixSet refused) {
      this.names = names;
      this.refused = refused;
    }
  }

  /** A list of addresses that are spared. */
  PrefixSet spared(Value value) {
    PrefixSet all = networks(value);
    for (String family : families(all)) {
      value.warn(
          "covers every " + family + " address, so none is ever banned", "list only your own");
    }
    return all;
  }

  /** The families all of whose addresses are in a set. */
  static List<String> families(PrefixSet set) {
    return Stream.of("IPv4", "IPv6")
        .filter(family -> set.covers(IpPrefix.parse(family.equals("IPv4") ? "0.0.0.0/0" : "::/0")))
        .toList();
  }

  /** A list of addresses that something is said of, none of which is spared by it. */
  PrefixSet networks(Value value) {
    Sink sink = new Sink(true, PrefixSet.empty());
    read(value, sink);
    return PrefixSet.of(sink.prefixes).union(sink.named).union(sink.namedPrivate);
  }

  /** A list of proxies. */
  TrustedProxies proxies(Value value) {
    Sink sink = new Sink(true, PrefixSet.empty());
    read(value, sink);
    PrefixSet neverBanned = PrefixSet.of(sink.prefixes).union(sink.named);
    for (String family : families(neverBanned)) {
      value.warn(
          "trusts every "
              + family
              + " address, so every client can claim to be another one, and none is ever banned",
          "list only your own proxies");
    }
    return new TrustedProxies(neverBanned.union(sink.namedPrivate), neverBanned, sink.networks);
  }

  /**
   * A list of addresses that are banned.
   *
   * @param protectedPrefixes addresses that may not be in it
   */
  PrefixSet banned(Value value, PrefixSet protectedPrefixes) {
    Sink sink = new Sink(false, protectedPrefixes);
    read(value, sink);
    return PrefixSet.of(sink.prefixes);
  }

  /** The entries of a list file. */
  PrefixSet listFile(Value named, String file) {
    Sink sink = new Sink(false, PrefixSet.empty());
    readFile(named, file, sink);
    return PrefixSet.of(sink.prefixes);
  }

  private void read(Value value, Sink sink) {
    if (value.isMapping()) {
      value
          .section(Keys.ADDRESSES)
          .ifPresent(section -> {
            section.get("ip").ifPresent(list -> readEntries(list, sink));
            section
                .get("files")
                .ifPresent(list ->
                    list.items()
                        .forEach(
                            item -> item.text().ifPresent(file -> readFile(item, file, sink))));
          });
    } else {
      readEntries(value, sink);
    }
  }

  private void readEntries(Value list, Sink sink) {
    for (Value item : list.items()) {
      item.text().ifPresent(text -> readEntry(item, text, sink));
    }
  }

  private void readEntry(Value item, String text, Sink sink) {
    if (text.startsWith(FILE)) {
      readFile(item, text.substring(FILE.length()), sink);
      return;
    }
    Optional<PrefixSet> named = sink.names ? ReservedPrefixes.named(text) : Optional.empty();
    if (named.isPresent()) {
      if (text.equals("private")) {
        sink.namedPrivate = named.get();
      } else {
        sink.named = sink.named.union(named.get());
        sink.networks.add(text);
      }
      return;
    }
    IpPrefix prefix;
    try {
      prefix = IpPrefix.parse(text);
    } catch (InvalidAddressException e) {
      reportNoAddress(item, text, e, sink.names);
      return;
    }
    if (hasHostBits(text, prefix)) {
      item.warn(text + " has bits behind its length and is taken as " + prefix, "write " + prefix);
    }
    Optional<IpPrefix> conflict = sink.refused.firstOverlap(prefix);
    if (conflict.isPresent()) {
      item.error(refusal(prefix, conflict.get()), "remove it from one of the two");
    } else {
      sink.prefixes.add(prefix);
    }
  }

  private static void reportNoAddress(
      Value item, String text, InvalidAddressException e, boolean names) {
    String what = Problems.quoted(text) + " is not an address";
    if (text.startsWith("/") || text.startsWith("./")) {
      item.error(what, "write file:" + text + " for a list file");
    } else if (text.contains(",") || text.contains(" ")) {
      item.error(what, "write a list: [192.0.2.1, 198.51.100.0/24]");
    } else if (names && text.matches("[A-Za-z-]+")) {
      item.error(what, "write an address or one of " + String.join(", ", ReservedPrefixes.names()));
    } else {
      item.error(what + ": " + e.reason(), e.mend());
    }
  }

  private static String refusal(IpPrefix prefix, IpPrefix conflict) {
    return prefix + " meets " + conflict + ", which must never be banned";
  }

  private static boolean hasHostBits(String text, IpPrefix prefix) {
    int slash = text.indexOf('/');
    if (slash < 0) {
      return false;
    }
    IpPrefix address = IpPrefix.parse(text.substring(0, slash));
    return address.hi() != prefix.hi() || address.lo() != prefix.lo();
  }

  private void readFile(Value item, String path, Sink sink) {
    if (path.isEmpty()) {
      item.error("names no file", "write file:/path/to/list");
      return;
    }
    Path file = directory.resolve(path).normalize();
    Optional<byte[]> bytes = files.read(file, MAX_FILE_BYTES, item.place());
    if (bytes.isEmpty()) {
      return;
    }
    // Addresses are ASCII, and a comment in any encoding must not be an error.
    String text = new String(bytes.get(), StandardCharsets.ISO_8859_1);
    int bad = 0;
    int number = 0;
    for (int from = text.startsWith(BYTE_ORDER_MARK) ? 3 : 0, to;
        from < text.length();
        from = to + 1) {
      to = text.indexOf('\n', from);
      to = to < 0 ? text.length() : to;
      number++;
      String entry = withoutComment(text, from, to);
      if (entry.isEmpty()) {
        continue;
      }
      if (sink.prefixes.size() >= MAX_ENTRIES) {
        item.error("has more than " + MAX_ENTRIES + " entries", "join neighbours to prefixes");
        return;
      }
      Place place = Place.line(file.toString(), number);
      bad += readLine(entry, place, sink, bad < MAX_BAD_LINES_SHOWN) ? 0 : 1;
    }
    if (bad > MAX_BAD_LINES_SHOWN) {
      problems.warn(
          Place.file(file.toString()),
          (bad - MAX_BAD_LINES_SHOWN) + " more lines are left out",
          "mend the ones above first");
    }
  }

  private boolean readLine(String entry, Place place, Sink sink, boolean show) {
    try {
      IpPrefix prefix = IpPrefix.parse(entry);
      Optional<IpPrefix> conflict = sink.refused.firstOverlap(prefix);
      if (conflict.isEmpty()) {
        sink.prefixes.add(prefix);
        return true;
      }
      if (show) {
        problems.warn(
            place, refusal(prefix, conflict.get()) + "; the line is left out", "remove it");
      }
    } catch (InvalidAddressException e) {
      if (show) {
        problems.warn(
            place,
            Problems.quoted(e.text())
                + " is not an address: "
                + e.reason()
                + "; the line is left out",
            e.mend());
      }
    }
    return false;
  }

  private static String withoutComment(String text, int from, int to) {
    int end = from;
    while (end < to && text.charAt(end) != '#' && text.charAt(end) != ';') {
      end++;
    }
    return text.substring(from, end).strip();
  }
}
