package io.ipsentry.fail2ban;

import java.util.ArrayList;
import java.util.List;

/**
 * What of the journal a jail reads, such as {@code _SYSTEMD_UNIT=sshd.service + _COMM=sshd}: {@code
 * +} divides alternatives, as for {@code journalctl}; so does a line end.
 */
public final class JournalMatch {
  private JournalMatch() {}

  /**
   * Arguments for {@code journalctl}; empty: everything is read.
   *
   * @throws Fail2banException for a word that is no match
   */
  public static List<String> arguments(String text) {
    List<String> arguments = new ArrayList<>();
    for (String line : FilterReader.lines(text)) {
      if (!arguments.isEmpty() && !line.isBlank()) {
        arguments.add("+");
      }
      for (String word : words(line)) {
        if (!word.equals("+") && !word.matches("[A-Z0-9_]{1,64}=[^\\x00]*")) {
          throw new Fail2banException("journalmatch has '" + word + "', which is no FIELD=value");
        }
        arguments.add(word);
      }
    }
    return arguments;
  }

  /** Words as a shell divides them. */
  private static List<String> words(String line) {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    boolean begun = false;
    char quote = 0;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (quote != 0) {
        if (c == quote) {
          quote = 0;
        } else {
          word.append(c);
        }
      } else if (c == '"' || c == '\'') {
        quote = c;
        begun = true;
      } else if (Character.isWhitespace(c)) {
        if (begun) {
          words.add(word.toString());
        }
        word.setLength(0);
        begun = false;
      } else {
        if (c == '\\' && i + 1 < line.length()) {
          i++;
          c = line.charAt(i);
        }
        word.append(c);
        begun = true;
      }
    }
    if (begun) {
      words.add(word.toString());
    }
    return words;
  }
}
