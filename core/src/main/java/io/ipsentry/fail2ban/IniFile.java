package io.ipsentry.fail2ban;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * One file in the dialect of Python's {@code ConfigParser} as fail2ban uses it:
 *
 * <ul>
 *   <li>{@code [section]}; {@code name = value} or {@code name: value}, names in any case;
 *   <li>lines that are indented more than their name go on with the value; empty ones too;
 *   <li>{@code #} or {@code ;} begin a comment line; {@code ;} behind a blank begins a comment.
 * </ul>
 */
final class IniFile {
  private static final int NEW_OPTION = Integer.MAX_VALUE;

  private final Path file;
  private final Map<String, Map<String, IniOption>> sections = new LinkedHashMap<>();

  // Of the option that is being read.
  private String section = "";
  private String option = "";
  private StringBuilder value = new StringBuilder();
  private int optionLine;
  private int indent = NEW_OPTION;

  private IniFile(Path file) {
    this.file = file;
  }

  /**
   * Reads a file.
   *
   * @return options by section, both in their order
   * @throws Fail2banException for the first line that is neither of these
   */
  static Map<String, Map<String, IniOption>> parse(Path file, String text) {
    IniFile ini = new IniFile(file);
    int number = 0;
    for (String line : text.split("\r\n|\r|\n", -1)) {
      ini.line(line, ++number);
    }
    ini.endOption();
    return ini.sections;
  }

  private void line(String line, int number) {
    int comment = comment(line);
    String content = line.substring(0, comment < 0 ? line.length() : comment).strip();
    if (content.isEmpty()) {
      if (comment < 0 && !option.isEmpty()) {
        value.append('\n');
      }
      return;
    }
    int at = indent(line);
    if (!option.isEmpty() && at > indent) {
      value.append('\n').append(content);
      return;
    }
    endOption();
    indent = at;
    if (content.startsWith("[") && content.lastIndexOf(']') > 1) {
      section = content.substring(1, content.lastIndexOf(']'));
      sections.computeIfAbsent(section, _ -> new LinkedHashMap<>());
    } else {
      beginOption(content, number);
    }
  }

  private void beginOption(String content, int number) {
    int end = 0;
    while (end < content.length() && content.charAt(end) != '=' && content.charAt(end) != ':') {
      end++;
    }
    String name = content.substring(0, end).strip().toLowerCase(Locale.ROOT);
    if (section.isEmpty() || name.isEmpty() || end == content.length()) {
      throw Fail2banException.at(
          file, number, "is no [section], no name = value and no indented line of a value");
    }
    option = name;
    optionLine = number;
    value = new StringBuilder(content.substring(end + 1).strip());
  }

  private void endOption() {
    if (!option.isEmpty()) {
      sections
          .getOrDefault(section, new LinkedHashMap<>())
          .put(option, new IniOption(value.toString().stripTrailing(), file, optionLine));
      option = "";
    }
  }

  /** Where a comment begins, or -1. */
  private static int comment(String line) {
    int first = indent(line);
    if (first < line.length() && (line.charAt(first) == '#' || line.charAt(first) == ';')) {
      return 0;
    }
    for (int at = line.indexOf(';'); at >= 0; at = line.indexOf(';', at + 1)) {
      if (at == 0 || Character.isWhitespace(line.charAt(at - 1))) {
        return at;
      }
    }
    return -1;
  }

  private static int indent(String line) {
    int at = 0;
    while (at < line.length() && Character.isWhitespace(line.charAt(at))) {
      at++;
    }
    return at;
  }
}
