package io.ipsentry.fail2ban;

import java.nio.file.Path;

/**
 * The value of an option with the place it was written at.
 *
 * @param value as written: nothing is filled in; the lines of a long one are joined by line feeds
 * @param line of its name, from 1
 */
record IniOption(String value, Path file, int line) {
  String place() {
    return file + ":" + line;
  }
}
