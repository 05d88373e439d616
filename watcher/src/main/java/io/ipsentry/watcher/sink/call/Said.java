package io.ipsentry.watcher.sink.call;

import io.ipsentry.config.Secret;

/** What others said, made fit to be shown: one line, not long, and without secrets. Stateless. */
public final class Said {
  private static final int MAX_CHARS = 200;

  private Said() {}

  /** A text of somebody else. */
  public static String of(String text, Secret... secrets) {
    String shown = text;
    for (Secret secret : secrets) {
      shown = secret.hiddenIn(shown);
    }
    StringBuilder line = new StringBuilder();
    shown
        .codePoints()
        .limit(MAX_CHARS)
        .forEach(c -> line.appendCodePoint(Character.isISOControl(c) ? ' ' : c));
    return line.toString().strip();
  }
}
