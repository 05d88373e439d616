package io.ipsentry.cli;

import picocli.CommandLine.Option;

/** How answers are printed. */
final class OutputOption {
  /** Forms of an answer. */
  enum Form {
    TABLE,
    JSON;

    @Override
    public String toString() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORM",
      description = "table (for people) or json (one object a line). Default: ${DEFAULT-VALUE}.",
      defaultValue = "table")
  private Form form = Form.TABLE;

  boolean isJson() {
    return form == Form.JSON;
  }
}
