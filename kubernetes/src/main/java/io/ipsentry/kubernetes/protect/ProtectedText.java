package io.ipsentry.kubernetes.protect;

import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection;
import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Protected prefixes as text, one a line: {@code PREFIX KIND DETAIL}, such as {@code 192.0.2.10/32
 * cluster node address}; the detail may be missing and may have blanks. A function of the parts.
 * Stateless.
 */
final class ProtectedText {
  private ProtectedText() {}

  /** In order of kinds, details and prefixes. */
  static String write(List<Part> parts) {
    StringBuilder text = new StringBuilder();
    for (Part part : parts) {
      String reason = (part.kind().wireName() + ' ' + oneLine(part.detail())).strip();
      for (IpPrefix prefix : part.prefixes().prefixes()) {
        text.append(prefix).append(' ').append(reason).append('\n');
      }
    }
    return text.toString();
  }

  private static String oneLine(String detail) {
    return detail.replaceAll("\\p{Cntrl}", " ");
  }

  /**
   * Reads what {@link #write} wrote, here or in another version: an unknown kind is {@code
   * neverBan} with its name.
   *
   * @throws IllegalArgumentException if a line is none of it
   */
  static List<Part> read(String text) {
    Map<Reason, List<IpPrefix>> byReason = new LinkedHashMap<>();
    int number = 0;
    for (String line : text.split("\n", -1)) {
      number++;
      if (line.isEmpty()) {
        continue;
      }
      String[] words = line.split(" ", 3);
      try {
        IpPrefix prefix = IpPrefix.parse(words[0]);
        Reason reason = reason(words.length > 1 ? words[1] : "", words.length > 2 ? words[2] : "");
        byReason.computeIfAbsent(reason, _ -> new ArrayList<>()).add(prefix);
      } catch (InvalidAddressException e) {
        throw new IllegalArgumentException("line " + number + ": " + e.getMessage(), e);
      }
    }
    List<Part> parts = new ArrayList<>();
    byReason.forEach((reason, prefixes) ->
        parts.add(new Part(reason.kind(), reason.detail(), PrefixSet.of(prefixes))));
    return parts;
  }

  private record Reason(Protection.Kind kind, String detail) {}

  private static Reason reason(String kind, String detail) {
    Optional<Protection.Kind> known = Protection.Kind.ofWireName(kind);
    return known.isPresent()
        ? new Reason(known.get(), detail)
        : new Reason(Protection.Kind.NEVER_BAN, (kind + ' ' + detail).strip());
  }
}
