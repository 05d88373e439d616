package io.ipsentry.config;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Reads regular expressions and checks that they can be used. */
final class Expressions {
  /** Longest expression, in characters. */
  static final int MAX_LENGTH = 4_096;

  private Expressions() {}

  /** An expression; empty when it cannot be used, which is then reported. */
  static Optional<String> read(Value value) {
    Optional<String> regex = value.text();
    if (regex.isEmpty()) {
      return Optional.empty();
    }
    if (regex.get().length() > MAX_LENGTH) {
      value.error(
          "is an expression of more than " + MAX_LENGTH + " characters", "split it into several");
      return Optional.empty();
    }
    try {
      Pattern pattern = Pattern.compile(regex.get());
      if (pattern.matcher("").find()) {
        value.warn(
            Problems.quoted(regex.get()) + " matches the empty text, and so everything",
            "anchor it, or replace * with +");
      }
      return regex;
    } catch (PatternSyntaxException e) {
      value.error(
          Problems.quoted(regex.get())
              + " is not a regular expression: "
              + e.getDescription()
              + " at character "
              + (e.getIndex() + 1),
          "correct it; a plain text needs a backslash before each of . [ ( * + ? { | ^ $ \\");
      return Optional.empty();
    }
  }

  /** A list of expressions; those that cannot be used are reported and left out. */
  static List<String> list(Value value) {
    return value.items().stream().map(Expressions::read).flatMap(Optional::stream).toList();
  }

  /** How many groups an expression has that {@link #read} has accepted. */
  static int groups(String regex) {
    return Pattern.compile(regex).matcher("").groupCount();
  }
}
