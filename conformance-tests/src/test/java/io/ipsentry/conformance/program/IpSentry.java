package io.ipsentry.conformance.program;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The program, in processes of its own: the class {@code Main} on the class path of the tests, with
 * the flags of the launcher.
 */
public final class IpSentry {
  /** A command that takes longer is ended, and the test fails. */
  public static final int MAX_COMMAND_SECONDS = 300;

  /**
   * A directory: each process writes which classes it loaded to {@code COMMAND-PID.lst} in it, for
   * {@code image/record-classes}. Else processes start without.
   */
  private static final String CLASS_LISTS = System.getProperty("ip-sentry.class-lists", "");

  private IpSentry() {}

  /**
   * What a command left behind.
   *
   * @param exitCode as in DESIGN section 8
   * @param out standard output
   * @param err standard error
   */
  public record Result(int exitCode, String out, String err) {
    /** Standard output as JSON Lines. */
    public List<Map<String, String>> json() {
      return Json.lines(out);
    }

    /** The last line of standard error. */
    public String lastErrorLine() {
      return err.lines().reduce("", (before, line) -> line);
    }
  }

  /** Runs a command to its end. */
  public static Result run(String... arguments) {
    try {
      Path out = Files.createTempFile("ip-sentry-", ".out");
      Path err = Files.createTempFile("ip-sentry-", ".err");
      try {
        Process process =
            new ProcessBuilder(command(List.of(arguments)))
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        if (!process.waitFor(MAX_COMMAND_SECONDS, TimeUnit.SECONDS)) {
          process.destroyForcibly();
          throw new AssertionError(
              Arrays.toString(arguments) + " did not end: " + Files.readString(err));
        }
        return new Result(
            process.exitValue(),
            Files.readString(out, StandardCharsets.UTF_8),
            Files.readString(err, StandardCharsets.UTF_8));
      } finally {
        Files.deleteIfExists(out);
        Files.deleteIfExists(err);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run the program", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while the program ran", e);
    }
  }

  /** The command line that runs the program with these arguments. */
  public static List<String> command(List<String> arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:-UsePerfData",
                CLASS_LISTS.isEmpty() ? "-Xshare:auto" : "-Xshare:off",
                "--enable-native-access=ALL-UNNAMED"));
    if (!CLASS_LISTS.isEmpty()) {
      command.add(
          "-XX:DumpLoadedClassList=" + CLASS_LISTS + "/" + arguments.getFirst() + "-%p.lst");
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.ipsentry.cli.Main"));
    command.addAll(arguments);
    return command;
  }
}
