package io.ipsentry.config;

import io.ipsentry.rule.RuleId;
import java.util.Optional;

/** Names of rules, sources and packs: 1 to 64 of {@code a-z A-Z 0-9 . _ -}. */
final class Names {
  static final String FORM =
      "write 1 to " + RuleId.MAX_LENGTH + " letters, digits, dots, dashes or underscores";

  private Names() {}

  static Optional<String> read(Value value) {
    Optional<String> name = value.text();
    if (name.isPresent() && !isValid(name.get())) {
      value.error(Problems.quoted(name.get()) + " is not a name", FORM);
      return Optional.empty();
    }
    return name;
  }

  /** A name made from any text: what is not allowed becomes a dash. */
  static String from(String text) {
    StringBuilder name = new StringBuilder();
    for (int i = 0; i < text.length() && name.length() < RuleId.MAX_LENGTH; i++) {
      char c = text.charAt(i);
      boolean dash = !isAllowed(c);
      if (!dash || (!name.isEmpty() && name.charAt(name.length() - 1) != '-')) {
        name.append(dash ? '-' : c);
      }
    }
    return name.isEmpty() ? "source" : name.toString();
  }

  static boolean isValid(String name) {
    return !name.isEmpty()
        && name.length() <= RuleId.MAX_LENGTH
        && name.chars().allMatch(c -> isAllowed((char) c));
  }

  private static boolean isAllowed(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '.'
        || c == '_'
        || c == '-';
  }
}
