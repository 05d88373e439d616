package io.ipsentry.config;

/**
 * A text that nobody may read in a log, a status or a message: shown as {@code …} wherever it is
 * printed.
 *
 * @param value the text itself
 */
public record Secret(String value) {
  private static final String HIDDEN = "…";

  /** The same text without the secret, for what others have said and may have repeated. */
  public String hiddenIn(String text) {
    return value.isEmpty() ? text : text.replace(value, HIDDEN);
  }

  @Override
  public String toString() {
    return HIDDEN;
  }
}
