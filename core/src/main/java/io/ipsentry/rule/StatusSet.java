package io.ipsentry.rule;

import java.util.BitSet;

/**
 * A set of HTTP statuses, written as a list of numbers and ranges: {@code "400,401,403-499"}.
 *
 * <p>Immutable; safe for any thread.
 */
public final class StatusSet {
  /** Statuses are 0 (none given) to this. */
  public static final int MAX_STATUS = 999;

  /** The client errors, 400 to 499. */
  public static final StatusSet CLIENT_ERRORS = parse("400-499");

  private final BitSet statuses;
  private final String text;

  private StatusSet(BitSet statuses, String text) {
    this.statuses = statuses;
    this.text = text;
  }

  /**
   * Reads a list such as {@code 400,401,403-499}; spaces around numbers are allowed.
   *
   * @throws IllegalArgumentException naming the part that is wrong
   */
  public static StatusSet parse(String text) {
    BitSet statuses = new BitSet(600);
    for (String part : text.split(",", -1)) {
      int dash = part.indexOf('-');
      int first = status(dash < 0 ? part : part.substring(0, dash), text);
      int last = dash < 0 ? first : status(part.substring(dash + 1), text);
      if (last < first) {
        throw new IllegalArgumentException(
            "status range '"
                + part.strip()
                + "' ends before it starts; write the lower number first");
      }
      statuses.set(first, last + 1);
    }
    return new StatusSet(statuses, text.replace(" ", ""));
  }

  private static int status(String part, String text) {
    String number = part.strip();
    if (number.length() != 3
        || !number.chars().allMatch(c -> c >= '0' && c <= '9')
        || number.charAt(0) == '0') {
      throw new IllegalArgumentException(
          "'"
              + number
              + "' in '"
              + text
              + "' is not an HTTP status; write numbers of three digits and"
              + " ranges, such as 400,401,403-499");
    }
    return Integer.parseInt(number);
  }

  public boolean contains(int status) {
    return statuses.get(status);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof StatusSet set && set.statuses.equals(statuses);
  }

  @Override
  public int hashCode() {
    return statuses.hashCode();
  }

  /** As it was written, without spaces. */
  @Override
  public String toString() {
    return text;
  }
}
