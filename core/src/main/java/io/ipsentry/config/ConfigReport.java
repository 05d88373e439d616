package io.ipsentry.config;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.config.ConfigProblem.Severity;
import java.io.IOException;
import java.io.StringWriter;
import java.util.List;
import java.util.Locale;

/**
 * Shows what came of reading a configuration, as {@code check-config} prints it. Safe for any
 * thread.
 *
 * <p>As text, one problem a line and a line that sums up:
 *
 * <pre>
 * ip-sentry.yaml:7:5: rules[0].treshold: is not a known key; did you mean threshold?
 * ip-sentry.yaml:9:14: warning: neverBan[0]: 10.1.2.3/8 has bits behind its length ...
 * ip-sentry.yaml: invalid: 1 error, 1 warning
 * </pre>
 *
 * <p>As JSON Lines, one object a problem ({@code severity}, {@code file}, {@code line} and {@code
 * column} where known, {@code path}, {@code what}, {@code mend}), and one that sums up ({@code
 * file}, {@code valid}, {@code errors}, {@code warnings}).
 */
public final class ConfigReport {
  private static final JsonFactory JSON = new JsonFactory();

  private ConfigReport() {}

  /**
   * The report as text; every line ends with a line feed.
   *
   * @param file what the configuration is called
   */
  public static String text(String file, ConfigResult result) {
    StringBuilder text = new StringBuilder();
    List<ConfigProblem> errors = errors(result);
    errors.forEach(error -> text.append(line(error)).append('\n'));
    result.warnings().forEach(warning -> text.append(line(warning)).append('\n'));
    text.append(file)
        .append(errors.isEmpty() ? ": valid" : ": invalid: " + counted(errors.size(), "error"));
    if (!errors.isEmpty() || !result.warnings().isEmpty()) {
      text.append(errors.isEmpty() ? ": " : ", ")
          .append(counted(result.warnings().size(), "warning"));
    }
    return text.append('\n').toString();
  }

  /** One problem as a line of text, without a line end. */
  public static String line(ConfigProblem problem) {
    String text = problem.toString();
    return problem.severity() == Severity.ERROR
        ? text
        : problem.location() + ": warning" + text.substring(problem.location().length());
  }

  /**
   * The report as JSON Lines.
   *
   * @param file what the configuration is called
   */
  public static String jsonLines(String file, ConfigResult result) {
    StringWriter lines = new StringWriter();
    List<ConfigProblem> errors = errors(result);
    try (JsonGenerator json = JSON.createGenerator(lines)) {
      json.setRootValueSeparator(null);
      for (ConfigProblem error : errors) {
        write(json, error);
      }
      for (ConfigProblem warning : result.warnings()) {
        write(json, warning);
      }
      json.writeStartObject();
      json.writeStringField("file", file);
      json.writeBooleanField("valid", errors.isEmpty());
      json.writeNumberField("errors", errors.size());
      json.writeNumberField("warnings", result.warnings().size());
      json.writeEndObject();
      json.writeRaw('\n');
    } catch (IOException e) {
      throw new IllegalStateException("a string takes everything", e);
    }
    return lines.toString();
  }

  private static void write(JsonGenerator json, ConfigProblem problem) throws IOException {
    json.writeStartObject();
    json.writeStringField("severity", problem.severity().name().toLowerCase(Locale.ROOT));
    json.writeStringField("file", problem.file());
    if (problem.line() > 0) {
      json.writeNumberField("line", problem.line());
    }
    if (problem.column() > 0) {
      json.writeNumberField("column", problem.column());
    }
    json.writeStringField("path", problem.path());
    json.writeStringField("what", problem.what());
    json.writeStringField("mend", problem.mend());
    json.writeEndObject();
    json.writeRaw('\n');
  }

  private static List<ConfigProblem> errors(ConfigResult result) {
    return switch (result) {
      case ConfigResult.Valid _ -> List.of();
      case ConfigResult.Invalid invalid -> invalid.errors();
    };
  }

  private static String counted(int count, String word) {
    return count + " " + word + (count == 1 ? "" : "s");
  }
}
