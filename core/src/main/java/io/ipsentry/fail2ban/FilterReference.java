package io.ipsentry.fail2ban;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * A filter or action as a jail names it: {@code sshd[mode=aggressive, other="a, b"][third='c']}.
 *
 * @param options in brackets, without their quotes
 */
record FilterReference(String name, Map<String, String> options) {
  FilterReference {
    options = Map.copyOf(options);
  }

  /**
   * Reads a reference.
   *
   * @throws Fail2banException when it is written otherwise
   */
  static FilterReference parse(String text) {
    String whole = text.strip();
    int open = whole.indexOf('[');
    if (open < 0) {
      return new FilterReference(whole, Map.of());
    }
    if (open == 0 || !whole.endsWith("]")) {
      throw new Fail2banException("'" + text + "' is not written as name[option=value]");
    }
    return new FilterReference(
        whole.substring(0, open).strip(), options(whole.substring(open + 1, whole.length() - 1)));
  }

  private static Map<String, String> options(String text) {
    Map<String, String> options = new LinkedHashMap<>();
    int at = 0;
    while (true) {
      at = skip(text, at, " \t\r\n,");
      if (at < text.length() && text.charAt(at) == ']') {
        at = skip(text, at + 1, " \t\r\n");
        if (at == text.length() || text.charAt(at) != '[') {
          throw wrong(text, at);
        }
        at = skip(text, at + 1, " \t\r\n,");
      }
      if (at == text.length()) {
        return options;
      }
      int equals = text.indexOf('=', at);
      if (equals < 0 || !text.substring(at, equals).strip().matches("[\\w.?/-]+")) {
        throw wrong(text, at);
      }
      String name = text.substring(at, equals).strip().toLowerCase(Locale.ROOT);
      int begin = equals + 1;
      char quote = begin < text.length() ? text.charAt(begin) : ' ';
      int end;
      if (quote == '"' || quote == '\'') {
        begin++;
        end = text.indexOf(quote, begin);
        if (end < 0) {
          throw wrong(text, at);
        }
        at = end + 1;
      } else {
        end = begin;
        while (end < text.length() && text.charAt(end) != ',' && text.charAt(end) != ']') {
          end++;
        }
        at = end;
      }
      options.put(name, text.substring(begin, end).strip());
    }
  }

  private static int skip(String text, int from, String what) {
    int at = from;
    while (at < text.length() && what.indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    return at;
  }

  private static Fail2banException wrong(String text, int at) {
    return new Fail2banException(
        "the options [" + text + "] are not written as option=value, from character " + (at + 1));
  }
}
