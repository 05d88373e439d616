package io.ipsentry.rule;

/**
 * Name of a rule, unique in a configuration: 1 to 64 of {@code a-z A-Z 0-9 . _ -}.
 *
 * @param name as written in the configuration
 */
public record RuleId(String name) {
  /** Longest name of a rule, in characters. */
  public static final int MAX_LENGTH = 64;

  public RuleId {
    boolean valid =
        !name.isEmpty()
            && name.length() <= MAX_LENGTH
            && name.chars()
                .allMatch(c -> c < 128 && (Character.isLetterOrDigit(c) || "._-".indexOf(c) >= 0));
    if (!valid) {
      throw new IllegalArgumentException(
          "rule name must be 1 to 64 of a-z A-Z 0-9 . _ -, but is: " + name);
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
