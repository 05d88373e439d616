package io.ipsentry.cli;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Runs commands in this process with a clock, variables and a terminal of the test's own.
 *
 * <p>Nothing of this machine is looked at: {@code IP_SENTRY_CONFIG} names an empty file of the
 * test.
 */
final class CommandRun {
  static final Instant START = Instant.parse("2026-11-21T07:00:00Z");

  final AtomicReference<Instant> now = new AtomicReference<>(START);
  final Map<String, String> environment = new HashMap<>();
  private final Path home;
  private int width;

  /** What a command said. */
  record Said(int exitCode, String out, String err) {
    List<String> outLines() {
      return out.lines().toList();
    }
  }

  CommandRun(Path home) {
    this.home = home;
  }

  /** Output is a terminal of so many columns from now on; 0: it is none. */
  CommandRun withTerminal(int columns) {
    width = columns;
    return this;
  }

  Shell shell(PrintStream out, PrintStream err) {
    return new Shell(
        InputStream.nullInputStream(),
        out,
        err,
        () -> width,
        () -> 0,
        environment,
        new Shell.User("tester", 1000, home),
        now::get);
  }

  Said run(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exitCode =
        Commands.run(
            args,
            shell(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8)));
    return new Said(
        exitCode, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
