package io.ipsentry.net;

/**
 * A text that is no address or prefix, with the reason and how to mend it.
 *
 * <p>The message is one line fit for people: {@code not an address: "10.1": IPv4 has four numbers;
 * write it as 192.0.2.1}. Control characters of the text are shown as {@code ?}.
 */
public final class InvalidAddressException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** More characters of a bad text are not kept. */
  static final int MAX_SHOWN_CHARS = 64;

  private final String reason;
  private final String text;
  private final String mend;

  InvalidAddressException(String text, String reason, String mend) {
    super("not an address: \"" + shown(text) + "\": " + reason + "; " + mend);
    this.text = shown(text);
    this.reason = reason;
    this.mend = mend;
  }

  /** What is wrong, a constant text. */
  public String reason() {
    return reason;
  }

  /** The beginning of the text that was refused, printable, at most 64 characters. */
  public String text() {
    return text;
  }

  /** How to mend it, a constant text. */
  public String mend() {
    return mend;
  }

  private static String shown(String text) {
    StringBuilder shown = new StringBuilder(MAX_SHOWN_CHARS);
    int end = Math.min(text.length(), MAX_SHOWN_CHARS);
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      shown.append(Character.isISOControl(c) || Character.isSurrogate(c) ? '?' : c);
    }
    return end < text.length() ? shown.append('…').toString() : shown.toString();
  }
}
