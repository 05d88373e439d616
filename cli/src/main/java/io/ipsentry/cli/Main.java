package io.ipsentry.cli;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;

/** Entry point of {@code ip-sentry}: takes the surroundings from the system and runs a command. */
final class Main {
  private static final int OUT_BUFFER_BYTES = 1 << 16;

  private Main() {}

  public static void main(String[] args) {
    Map<String, String> environment = System.getenv();
    PrintStream out =
        new PrintStream(
            new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), OUT_BUFFER_BYTES),
            false,
            StandardCharsets.UTF_8);
    PrintStream err =
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
    Shell shell =
        new Shell(
            System.in,
            out,
            err,
            () -> Terminal.width(1, environment),
            () -> Terminal.width(2, environment),
            environment,
            user(environment),
            InstantSource.system());
    Optional<Service> service = PlainStart.of(args, shell);
    int exitCode =
        service.isPresent() ? PlainStart.run(service.get(), shell) : Commands.run(args, shell);
    out.flush();
    System.exit(exitCode);
  }

  private static Shell.User user(Map<String, String> environment) {
    String home = environment.getOrDefault("HOME", "");
    return new Shell.User(
        System.getProperty("user.name", "unknown"),
        userId(),
        home.isEmpty() ? null : Path.of(home));
  }

  private static long userId() {
    try {
      return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      // No Linux; the name will do.
      return -1;
    }
  }
}
