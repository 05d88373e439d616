package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.proto.v1.GetStatusResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * {@code train}: does once what people do often, so that the launcher's ahead-of-time cache holds
 * the classes for it. Not for people; works in a directory of its own, which it removes.
 */
@Command(name = "train", hidden = true, header = "Exercise the program for the launcher's cache.")
final class TrainCommand implements Callable<Integer> {
  @Parameters(paramLabel = "LOG", description = "A log to replay.")
  private String log = "";

  private final Shell shell;

  TrainCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() throws IOException {
    Path directory = Files.createTempDirectory("ip-sentry-train");
    try {
      exercise(directory.resolve("store.db"), directory.resolve("s"));
    } finally {
      try (Stream<Path> files = Files.walk(directory)) {
        for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
          Files.deleteIfExists(file);
        }
      }
    }
    return ExitCode.DONE;
  }

  private void exercise(Path store, Path socket) {
    silently("replay", log);
    silently("ban", "203.0.113.7", "--store", store.toString());
    try (LogBanOperations operations =
            LogBanOperations.owning(
                SqliteBanLog.open(store), ProtectedPrefixes.NONE, shell.clock());
        AdminServer server =
            AdminServer.start(socket, operations, GetStatusResponse::getDefaultInstance)) {
      List.of("list", "status", "history")
          .forEach(command -> silently(command, "--socket", server.socket().toString()));
      silently("get", "203.0.113.7", "--socket", socket.toString());
      silently("unban", "203.0.113.7", "--socket", socket.toString());
    }
  }

  private void silently(String... args) {
    PrintStream nowhere =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
    Commands.run(
        args,
        new Shell(
            shell.in(),
            nowhere,
            nowhere,
            () -> 0,
            () -> 0,
            shell.environment(),
            shell.user(),
            shell.clock()));
  }
}
