package io.ipsentry.cli;

import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.config.ForeignYaml;
import io.ipsentry.pattern.InvalidPatternException;
import io.ipsentry.pattern.PatternSet;
import io.ipsentry.pattern.PatternSource;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Configuration that is written for what another program's meant, line by line, and notes about
 * what has no equivalent. Confined to one thread.
 */
final class ImportedConfig {
  private final StringBuilder yaml = new StringBuilder();
  private final List<String> notes = new ArrayList<>();

  /** The documents of another program's file. */
  static List<ForeignYaml> documents(Path file) {
    try {
      return ForeignYaml.read(file);
    } catch (NoSuchFileException e) {
      throw CommandException.failed("there is no file " + file, e);
    } catch (IOException e) {
      throw CommandException.failed(file + " cannot be read: " + e.getMessage(), e);
    } catch (ForeignYaml.UnreadableException e) {
      throw CommandException.no(String.valueOf(e.getMessage()));
    }
  }

  /** Adds a line of configuration. */
  void line(String text) {
    yaml.append(text).append('\n');
  }

  /** Adds a note about what stands at {@code value}. */
  void note(ForeignYaml value, String text) {
    notes.add(value.place() + ": " + text);
  }

  String yaml() {
    return yaml.toString();
  }

  List<String> notes() {
    return notes;
  }

  /** A text between single quotes. */
  static String quoted(String text) {
    return "'" + text.replace("'", "''") + "'";
  }

  /** Whether an expression can be used here; else there is a note, and it is left out. */
  boolean isUsable(ForeignYaml value, String regex) {
    try {
      PatternSet.compile(List.of(PatternSource.of(regex)));
      return true;
    } catch (InvalidPatternException e) {
      note(value, "left out, the expression cannot be used: " + e.getMessage());
      return false;
    }
  }

  /**
   * Prints or writes the configuration, and the notes on standard error.
   *
   * @param output null: standard output
   */
  int write(Shell shell, @Nullable Path output) throws IOException {
    ConfigResult result =
        new ConfigLoader().parse("imported", yaml().getBytes(StandardCharsets.UTF_8), Path.of("/"));
    notes.forEach(note -> shell.err().println(Printable.of(note)));
    if (result instanceof ConfigResult.Invalid invalid) {
      invalid.errors().forEach(error -> shell.err().println(Printable.of(error.toString())));
    }
    if (output == null) {
      shell.out().print(yaml);
      shell.out().flush();
    } else {
      Files.writeString(output, yaml);
    }
    return result instanceof ConfigResult.Invalid ? ExitCode.NO : ExitCode.DONE;
  }
}
