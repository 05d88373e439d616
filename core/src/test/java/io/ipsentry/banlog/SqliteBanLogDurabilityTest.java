package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.testing.RequiresProgram;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Watches the system calls of a process that appends: between the last write to SQLite's
 * write-ahead log and the acknowledgement there must be an fsync of it that succeeded.
 */
@RequiresProgram("strace")
final class SqliteBanLogDurabilityTest {
  private static final int APPENDS = 20;

  // 1234 pwrite64(9</dir/ban.db-wal>, "..."..., 4096, 8272) = 4096
  private static final Pattern CALL =
      Pattern.compile(
          "(\\d+) +(\\w+)\\(\\d+<([^>]*)>(.*?)(?: = (-?\\d+).*| <unfinished \\.\\.\\.>)");
  private static final Pattern RESUMED =
      Pattern.compile("(\\d+) +<\\.\\.\\. (\\w+) resumed>.* = (-?\\d+).*");

  /** A system call that has returned. */
  private record Call(String name, String file, String arguments, long result) {
    boolean isSync() {
      return (name.equals("fsync") || name.equals("fdatasync")) && result == 0;
    }

    boolean isWrite() {
      return name.startsWith("write") || name.startsWith("pwrite");
    }
  }

  @TempDir private Path work;

  @Test
  void append_acknowledged_wasFsyncedBefore() throws Exception {
    Path directory = Files.createDirectory(work.resolve("store")).toRealPath();
    Path file = directory.resolve("ban.db");
    List<Call> calls = trace(file);
    int acknowledged = 0;
    boolean written = false;
    boolean synced = false;
    boolean directorySynced = false;
    for (Call call : calls) {
      if (call.file().equals(file + "-wal") && call.isWrite()) {
        written = true;
        synced = false;
      } else if (call.file().equals(file + "-wal") && call.isSync()) {
        synced = true;
      } else if (call.file().equals(directory.toString()) && call.isSync()) {
        directorySynced = true;
      } else if (call.isWrite() && call.arguments().contains(AppendingProcess.ACKNOWLEDGED)) {
        acknowledged++;
        assertThat(written).as("append %d wrote to the log", acknowledged).isTrue();
        assertThat(synced).as("append %d was on the medium", acknowledged).isTrue();
        assertThat(directorySynced).as("so was the name of the file").isTrue();
        written = false;
      }
    }
    assertThat(acknowledged).isEqualTo(APPENDS);
  }

  private List<Call> trace(Path file) throws Exception {
    AppendingProcess.unpackNativeLibrary(work);
    Path trace = work.resolve("trace");
    List<String> command = new ArrayList<>(List.of("strace", "-f", "-y", "-s", "64"));
    command.addAll(List.of("-e", "trace=write,writev,pwrite64,pwritev,fsync,fdatasync"));
    command.addAll(List.of("-o", trace.toString()));
    command.addAll(AppendingProcess.command(work, file, "traced", APPENDS));
    Path errors = work.resolve("errors");
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(errors.toFile())
            .start();
    assertThat(process.waitFor()).as(() -> "strace ended; see " + errors).isZero();
    return parse(Files.readAllLines(trace));
  }

  /** Calls in the order in which they returned. */
  private static List<Call> parse(List<String> lines) {
    List<Call> calls = new ArrayList<>();
    Map<String, Matcher> unfinished = new HashMap<>();
    for (String line : lines) {
      Matcher call = CALL.matcher(line);
      Matcher resumed = RESUMED.matcher(line);
      if (call.matches() && call.group(5) != null) {
        calls.add(
            new Call(call.group(2), call.group(3), call.group(4), Long.parseLong(call.group(5))));
      } else if (call.matches()) {
        unfinished.put(call.group(1), call);
      } else if (resumed.matches()) {
        Matcher begun = unfinished.remove(resumed.group(1));
        if (begun != null) {
          calls.add(
              new Call(
                  begun.group(2),
                  begun.group(3),
                  begun.group(4),
                  Long.parseLong(resumed.group(3))));
        }
      }
    }
    return calls;
  }
}
