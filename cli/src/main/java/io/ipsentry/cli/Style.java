package io.ipsentry.cli;

/** Colours of a terminal, or none. */
enum Style {
  PLAIN(false),
  COLOURED(true);

  private final boolean coloured;

  Style(boolean coloured) {
    this.coloured = coloured;
  }

  static Style of(Shell shell) {
    return shell.isColoured() ? COLOURED : PLAIN;
  }

  String bold(String text) {
    return wrap("1", text);
  }

  String faint(String text) {
    return wrap("2", text);
  }

  String red(String text) {
    return wrap("31", text);
  }

  String green(String text) {
    return wrap("32", text);
  }

  String yellow(String text) {
    return wrap("33", text);
  }

  private String wrap(String code, String text) {
    return coloured && !text.isEmpty() ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
  }
}
