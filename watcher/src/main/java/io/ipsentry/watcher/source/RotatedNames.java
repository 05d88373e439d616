package io.ipsentry.watcher.source;

import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How rotated files are named beside {@code access.log}: {@code access.log.1}, {@code
 * access.log-20261121}, {@code access.log.20261121-091411} (kubelet), {@code access-20261121.log}
 * (logrotate's {@code extension}), each of them with or without {@code .gz}.
 */
final class RotatedNames {
  /** A number or a date behind the name. */
  private static final Pattern SUFFIX = Pattern.compile("[._-](\\d[\\d._:TZ-]*?)(?:\\.gz)?");

  /** A date of at least eight digits before the extension; a lone number there is an own log. */
  private static final Pattern INFIX = Pattern.compile("[._-](\\d{8}[\\d._:TZ-]*)");

  /** Numbers of more digits are dates. */
  private static final int MAX_COUNTER_DIGITS = 6;

  private static final Pattern COMPRESSED =
      Pattern.compile(".*\\.(gz|bz2|xz|zst|lz4|zip|Z)(\\.tmp)?");

  private RotatedNames() {}

  static boolean isGzip(Path path) {
    return path.toString().endsWith(".gz");
  }

  /** Whether the content is compressed or about to be, by the name. */
  static boolean isCompressed(String name) {
    return COMPRESSED.matcher(name).matches();
  }

  /** Whether {@code name} is what rotation makes of {@code base}. */
  static boolean isRotated(String base, String name) {
    return !stamp(base, name).isEmpty();
  }

  /** The number or date in a rotated name; empty if {@code name} is none of {@code base}'s. */
  private static String stamp(String base, String name) {
    if (name.startsWith(base)) {
      Matcher suffix = SUFFIX.matcher(name).region(base.length(), name.length());
      return suffix.matches() ? suffix.group(1) : "";
    }
    int dot = base.lastIndexOf('.');
    String plain = name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
    if (dot > 0
        && plain.length() > base.length()
        && plain.startsWith(base.substring(0, dot))
        && plain.endsWith(base.substring(dot))) {
      Matcher infix = INFIX.matcher(plain).region(dot, plain.length() - (base.length() - dot));
      return infix.matches() ? infix.group(1) : "";
    }
    return "";
  }

  /**
   * Whether {@code name} says that it was rotated away later than {@code other}: a lower number, as
   * logrotate and Docker count, or a later date. False when the two are named in different ways.
   */
  static boolean isNewer(String base, String name, String other) {
    String a = stamp(base, name);
    String b = stamp(base, other);
    if (a.isEmpty() || b.isEmpty()) {
      return false;
    }
    OptionalLong i = counter(a);
    OptionalLong j = counter(b);
    if (i.isPresent() && j.isPresent()) {
      return i.getAsLong() < j.getAsLong();
    }
    return i.isEmpty() && j.isEmpty() && a.compareTo(b) > 0;
  }

  private static OptionalLong counter(String stamp) {
    boolean digits = stamp.chars().allMatch(c -> c >= '0' && c <= '9');
    return digits && stamp.length() <= MAX_COUNTER_DIGITS
        ? OptionalLong.of(Long.parseLong(stamp))
        : OptionalLong.empty();
  }
}
