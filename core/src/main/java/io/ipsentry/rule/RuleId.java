package io.ipsentry.rule;

import org.jspecify.annotations.Nullable;

/**
 * Name of a rule, unique in a configuration: 1 to 64 of {@code a-z A-Z 0-9 . _ -}; of a rule for
 * one policy alone, {@code RULE@POLICY}.
 *
 * @param name as written in the configuration, with the policy behind it
 */
public record RuleId(String name) {
  /** Longest name of a rule, and of a policy, in characters. */
  public static final int MAX_LENGTH = 64;

  private static final char AT = '@';

  public RuleId {
    int at = name.indexOf(AT);
    boolean valid =
        at < 0 ? isName(name) : isName(name.substring(0, at)) && isPolicy(name.substring(at + 1));
    if (!valid) {
      throw new IllegalArgumentException(
          "rule name must be 1 to 64 of a-z A-Z 0-9 . _ -, but is: " + name);
    }
  }

  /** The rule that made a ban of this rule name and scope. */
  public static RuleId of(String rule, @Nullable String scope) {
    RuleId id = new RuleId(rule);
    return scope == null ? id : id.in(scope);
  }

  /** Name of the same rule for one policy alone. */
  public RuleId in(String policy) {
    return new RuleId(plainName() + AT + policy);
  }

  /** The name without a policy. */
  public String plainName() {
    int at = name.indexOf(AT);
    return at < 0 ? name : name.substring(0, at);
  }

  private static boolean isName(String text) {
    return !text.isEmpty()
        && text.length() <= MAX_LENGTH
        && text.chars()
            .allMatch(c -> c < 128 && (Character.isLetterOrDigit(c) || "._-".indexOf(c) >= 0));
  }

  /** Policies are named after things elsewhere, such as {@code infra/public}. */
  private static boolean isPolicy(String text) {
    return !text.isEmpty()
        && text.length() <= MAX_LENGTH
        && text.chars().allMatch(c -> c > ' ' && c < 127 && c != AT);
  }

  @Override
  public String toString() {
    return name;
  }
}
