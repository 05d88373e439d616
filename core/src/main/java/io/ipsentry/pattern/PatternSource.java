package io.ipsentry.pattern;

import java.util.Objects;

/**
 * A regular expression as people write it.
 *
 * <p>The syntax is what Python ({@code re}), Go and Java have in common, and where they differ what
 * Python does, because that is what fail2ban filters and the original ip-sentry's patterns are
 * written in:
 *
 * <ul>
 *   <li>literals, {@code .}, classes with ranges, negation and {@code [[:alpha:]]}, {@code \d \w
 *       \s} and their negations, {@code \t \n \r \f \v \a \e \0}, a character by its number in hex
 *       (backslash {@code x} and two digits, {@code u} and four, {@code U} and eight, or {@code
 *       x{H…}}), {@code \Q…\E};
 *   <li>groups, {@code (?:…)}, {@code (?P<name>…)}, {@code (?<name>…)}, alternation, greedy, lazy
 *       and possessive quantifiers; a brace that is no quantifier is a brace;
 *   <li>{@code ^ $ \A \z \Z \b \B}; {@code $} also holds before a final line feed, {@code \z} and
 *       {@code \Z} at the very end only;
 *   <li>flags {@code i m s x}, for the rest of the group or scoped {@code (?i:…)};
 *   <li>look-ahead, look-behind of bounded length, back-references, conditionals and atomic groups.
 * </ul>
 *
 * <p>The text is bytes, meant as UTF-8. A dot, a negated class and {@code \W \D \S} take one byte;
 * a character outside ASCII in the expression stands for its UTF-8 bytes, and a negated class that
 * names such characters takes one well-formed character. {@code \d \w \s \b} know ASCII only. Only
 * a line feed ends a line. Case is ignored for ASCII letters, and for other letters that have one
 * simple counterpart.
 *
 * @param regex the expression, searched for (not anchored unless it says so)
 * @param ignoreCase as if it began with {@code (?i)}
 */
public record PatternSource(String regex, boolean ignoreCase) {
  /** Refuses absent expressions. */
  public PatternSource {
    Objects.requireNonNull(regex, "regex");
  }

  /** An expression in which case matters. */
  public static PatternSource of(String regex) {
    return new PatternSource(regex, false);
  }
}
