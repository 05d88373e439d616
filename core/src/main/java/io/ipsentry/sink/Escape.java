package io.ipsentry.sink;

/** How a value is written where a format gives some characters a meaning. Stateless. */
public enum Escape {
  /** As it is. */
  NONE {
    @Override
    public String apply(String value) {
      return value;
    }
  },
  /** Within the quotes of a JSON string. */
  JSON {
    @Override
    public String apply(String value) {
      StringBuilder out = new StringBuilder(value.length() + 8);
      for (int i = 0; i < value.length(); i++) {
        char c = value.charAt(i);
        if (c == '"' || c == '\\') {
          out.append('\\').append(c);
        } else if (c == '\n') {
          out.append("\\n");
        } else if (c < ' ' || c == '\u2028' || c == '\u2029' || isAlone(value, i)) {
          out.append("\\u%04x".formatted((int) c));
        } else {
          out.append(c);
        }
      }
      return out.toString();
    }
  },
  /** Text of HTML, as Telegram takes it. */
  HTML {
    @Override
    public String apply(String value) {
      return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
  },
  /** Text of Telegram's MarkdownV2. */
  MARKDOWN {
    @Override
    public String apply(String value) {
      StringBuilder out = new StringBuilder(value.length() + 8);
      value
          .chars()
          .forEach(c -> {
            if ("_*[]()~`>#+-=|{}.!\\".indexOf(c) >= 0) {
              out.append('\\');
            }
            out.append((char) c);
          });
      return out.toString();
    }
  },
  /** Text of Slack's mrkdwn within the quotes of a JSON string. */
  SLACK {
    @Override
    public String apply(String value) {
      return JSON.apply(HTML.apply(value));
    }
  };

  /** The value, written so that it cannot be taken for anything but text. */
  public abstract String apply(String value);

  /** Half of a surrogate pair, which UTF-8 cannot hold. */
  private static boolean isAlone(String value, int i) {
    char c = value.charAt(i);
    if (Character.isHighSurrogate(c)) {
      return i + 1 == value.length() || !Character.isLowSurrogate(value.charAt(i + 1));
    }
    return Character.isLowSurrogate(c)
        && (i == 0 || !Character.isHighSurrogate(value.charAt(i - 1)));
  }
}
