package io.ipsentry.pattern;

import java.io.Serial;

/** A regular expression that cannot be used: which, where, why, and how to mend it. */
public final class InvalidPatternException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final String pattern;
  private final int position;
  private final String reason;
  private final String remedy;

  InvalidPatternException(String pattern, int position, String reason, String remedy) {
    super(
        "invalid pattern: "
            + reason
            + " at position "
            + position
            + " of \""
            + pattern
            + "\"; "
            + remedy);
    this.pattern = pattern;
    this.position = position;
    this.reason = reason;
    this.remedy = remedy;
  }

  /** The expression as it was given. */
  public String pattern() {
    return pattern;
  }

  /** Where in the expression the trouble is, counted in characters from 0. */
  public int position() {
    return position;
  }

  /** What is wrong, without a full stop. */
  public String reason() {
    return reason;
  }

  /** How to mend it, as an instruction. */
  public String remedy() {
    return remedy;
  }
}
