package io.ipsentry.fail2ban;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The words of {@code strptime} that a date pattern may have, and what each takes: a group named by
 * its letter. {@code %Ex…} take exactly two digits, or a year of this century.
 */
final class DateWords {
  static final List<String> MONTHS =
      List.of("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec");

  static final List<String> MONTH_NAMES =
      List.of(
          "january",
          "february",
          "march",
          "april",
          "may",
          "june",
          "july",
          "august",
          "september",
          "october",
          "november",
          "december");

  private static final String ZONE_NAME = "[A-Z](?:[A-Z]{2,4})?";
  private static final String OFFSET = "[+-][01][0-9](?::?[0-9]{2})?";

  private static final Map<String, String> WORDS = words();

  private DateWords() {}

  private static Map<String, String> words() {
    Map<String, String> words = new HashMap<>();
    words.put("a", group("a", "mon|tue|wed|thu|fri|sat|sun"));
    words.put("A", group("A", "monday|tuesday|wednesday|thursday|friday|saturday|sunday"));
    words.put("b", group("b", String.join("|", MONTHS)));
    words.put("B", group("B", String.join("|", MONTH_NAMES)));
    words.put("d", group("d", "[12][0-9]|3[01]|[0 ]?[1-9]"));
    words.put("m", group("m", "1[0-2]|0?[1-9]"));
    words.put("y", group("y", "[0-9]{2}"));
    words.put("Y", group("Y", "[0-9]{4}"));
    words.put("H", group("H", "2[0-3]|[01]?[0-9]"));
    words.put("I", group("I", "1[0-2]|0?[1-9]"));
    words.put("k", " ?" + group("H", "[0-2]?[0-9]"));
    words.put("l", " ?" + group("I", "1?[0-9]"));
    words.put("M", group("M", "[0-5]?[0-9]"));
    words.put("S", group("S", "6[01]|[0-5]?[0-9]"));
    words.put("f", group("f", "[0-9]{1,6}"));
    words.put("p", group("p", "am|pm"));
    words.put("j", group("j", "36[0-6]|3[0-5][0-9]|[12][0-9]{2}|0?[1-9][0-9]|0{0,2}[1-9]"));
    words.put("w", group("w", "[0-6]"));
    words.put("z", group("z", "Z|UTC|GMT|" + OFFSET));
    words.put("Z", group("Z", "[A-Z]{3,5}|Z"));
    words.put("Exd", group("d", "[12][0-9]|3[01]|0[1-9]"));
    words.put("Exm", group("m", "1[0-2]|0[1-9]"));
    words.put("ExY", group("Y", "20[0-9]{2}"));
    words.put("Exy", group("y", "[0-9]{2}"));
    words.put("ExH", group("H", "2[0-3]|[01][0-9]"));
    words.put("Exk", " ?" + group("H", "2[0-3]|[01]?[0-9]"));
    words.put("Exl", " ?" + group("I", "1[0-2]|[0-9]"));
    words.put("ExM", group("M", "[0-5][0-9]"));
    words.put("ExS", group("S", "6[01]|[0-5][0-9]"));
    words.put("ExZ", group("Z", ZONE_NAME));
    words.put("Exz", group("z", "(?:" + ZONE_NAME + ")?" + OFFSET + "|" + ZONE_NAME));
    return Map.copyOf(words);
  }

  private static String group(String name, String regex) {
    return "(?P<" + name + ">" + regex + ")";
  }

  /**
   * Replaces the words of a pattern by their expressions; {@code %%} is a percent sign.
   *
   * @throws Fail2banException for a word that is not known
   */
  static String expand(String pattern) {
    StringBuilder regex = new StringBuilder();
    int at = 0;
    while (at < pattern.length()) {
      char c = pattern.charAt(at);
      if (c != '%') {
        regex.append(c);
        at++;
        continue;
      }
      int length = pattern.startsWith("Ex", at + 1) ? 3 : 1;
      String word = pattern.substring(at + 1, Math.min(pattern.length(), at + 1 + length));
      if (word.equals("%")) {
        regex.append('%');
      } else {
        String expression = WORDS.get(word);
        if (expression == null) {
          throw new Fail2banException("datepattern '" + pattern + "' has %" + word + ", not known");
        }
        regex.append(expression);
      }
      at += 1 + word.length();
    }
    return regex.toString();
  }
}
