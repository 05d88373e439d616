package io.ipsentry.fail2ban;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The lines of {@code samples.txt}, which says how it is written. */
final class Samples {
  /** What a filter makes of a line that is no failure, and of one that it ignores. */
  static final String MISSED = "-";

  static final String IGNORED = "!";

  /**
   * A line.
   *
   * @param expected the address, or one of the above
   */
  record Sample(String expected, String line) {}

  private Samples() {}

  /** Groups of lines by filter; each group begins anew. */
  static Map<String, List<List<Sample>>> all() {
    Map<String, List<List<Sample>>> all = new LinkedHashMap<>();
    List<List<Sample>> groups = new ArrayList<>();
    for (String line : text().split("\n")) {
      if (line.startsWith("[") && line.endsWith("]")) {
        groups = all.computeIfAbsent(line.substring(1, line.length() - 1), _ -> new ArrayList<>());
        groups.add(new ArrayList<>());
      } else if (line.isEmpty() && !groups.isEmpty() && !groups.getLast().isEmpty()) {
        groups.add(new ArrayList<>());
      } else if (!line.isEmpty() && !line.startsWith("#")) {
        String[] parts = line.split(" *\\| ", 2);
        groups.getLast().add(new Sample(parts[0], parts[1]));
      }
    }
    all.values().forEach(each -> each.removeIf(List::isEmpty));
    return all;
  }

  private static String text() {
    try (InputStream in = Samples.class.getResourceAsStream("samples.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
