package io.ipsentry.config;

/**
 * One mistake or doubt in a configuration, a pack or a list file.
 *
 * @param severity whether the configuration can be used all the same
 * @param file the file as it was named
 * @param line from 1; 0: the file as a whole
 * @param column from 1, in characters; 0: the line as a whole
 * @param path where in the document, such as {@code rules[0].match.paths[1]}; empty: the whole file
 * @param what what is wrong, in one line
 * @param mend how to mend it, in one line
 */
public record ConfigProblem(
    Severity severity, String file, int line, int column, String path, String what, String mend) {

  /** Whether a configuration can be used all the same. */
  public enum Severity {
    /** It cannot. */
    ERROR,
    /** It can, but perhaps it does not do what was meant. */
    WARNING
  }

  /** Where it is: {@code file:line:column}, as far as known. */
  public String location() {
    if (line == 0) {
      return file;
    }
    return column == 0 ? file + ":" + line : file + ":" + line + ":" + column;
  }

  /** {@code file:line:column: path: what is wrong; how to mend it}. */
  @Override
  public String toString() {
    return location() + ": " + (path.isEmpty() ? "" : path + ": ") + what + "; " + mend;
  }
}
