package io.ipsentry.config;

/** Names of HTTP headers (RFC 9110 section 5.1). */
final class HeaderNames {
  /** What to write instead of something that is none. */
  static final String FORM = "write letters, digits and dashes, such as CF-Connecting-IP";

  private static final int MAX_LENGTH = 128;

  private HeaderNames() {}

  static boolean isValid(String name) {
    return name.length() <= MAX_LENGTH && name.matches("[!#$%&'*+.^_`|~0-9A-Za-z-]+");
  }
}
