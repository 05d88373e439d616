package io.ipsentry.cli;

/**
 * Makes text safe to show. What stands in a log line was written by an attacker, who would like to
 * send escape sequences to the operator's terminal or to forge a line.
 */
final class Printable {
  private Printable() {}

  /** The text with every control and invisible formatting character written as an escape. */
  static String of(String text) {
    int bad = 0;
    while (bad < text.length() && isPlain(text.charAt(bad))) {
      bad++;
    }
    if (bad == text.length()) {
      return text;
    }
    StringBuilder safe = new StringBuilder(text.length() + 16);
    text.codePoints()
        .forEach(c -> {
          if (isVisible(c)) {
            safe.appendCodePoint(c);
          } else if (c < 0x100) {
            safe.append("\\x%02x".formatted(c));
          } else {
            safe.append("\\u{%x}".formatted(c));
          }
        });
    return safe.toString();
  }

  private static boolean isPlain(char c) {
    return c >= ' ' && c < 0x7f;
  }

  private static boolean isVisible(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      default -> true;
    };
  }
}
