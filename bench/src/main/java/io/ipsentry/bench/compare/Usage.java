package io.ipsentry.bench.compare;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What processes use, by proc(5). */
final class Usage {
  /** Of a second; on every Linux of today. */
  private static final double TICKS = 100;

  private Usage() {}

  /** Seconds of processor time of these processes and of the children they waited for. */
  static double cpuSeconds(List<Long> pids) throws IOException {
    long ticks = 0;
    for (long pid : pids) {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      // Behind the name, which may hold spaces; the first word there is field 3.
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      for (int field = 14; field <= 17; field++) {
        ticks += Long.parseLong(fields[field - 3]);
      }
    }
    return ticks / TICKS;
  }

  /** Nanoseconds of processor time of a process's threads, as the scheduler has counted them. */
  static long cpuNanos(long pid) throws IOException {
    long nanos = 0;
    try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
      for (Path thread : threads.toList()) {
        nanos += Long.parseLong(Files.readString(thread.resolve("schedstat")).split(" ", 2)[0]);
      }
    }
    return nanos;
  }

  /** Resident memory of these processes. */
  static double residentMebibytes(List<Long> pids) throws IOException {
    double kibibytes = 0;
    for (long pid : pids) {
      for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
        if (line.startsWith("VmRSS:")) {
          kibibytes += Long.parseLong(line.replaceAll("\\D", ""));
        }
      }
    }
    return kibibytes / 1024;
  }
}
