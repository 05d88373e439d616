package io.ipsentry.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ipsentry.fail2ban.CompiledFilter;
import io.ipsentry.fail2ban.FilterFormat;
import io.ipsentry.fail2ban.JailTree;
import io.ipsentry.fail2ban.TreeFiles;
import io.ipsentry.line.LocalZone;
import io.ipsentry.line.RequestFacts;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Microseconds for one line by a filter of the installed package of fail2ban: lines as they are
 * usual, and lines that keep fail2ban's own engine busy for minutes (GHSA-33wh-ccjc-p397).
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = "-XX:+UseSerialGC")
@State(Scope.Thread)
public class FilterBenchmark {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");

  /** What is read. */
  public enum Line {
    SSHD_FAILURE("sshd", "Failed password for root from 192.0.2.7 port 40000 ssh2"),
    SSHD_OTHER("sshd", "Server listening on 0.0.0.0 port 22."),
    DOVECOT_FAILURE(
        "dovecot",
        "imap-login: Disconnected (auth failed, 3 attempts in 17 secs): user=<bob>, method=PLAIN,"
            + " rip=192.0.2.7, lip=198.51.100.1, session=<abc>"),
    DOVECOT_HOSTILE_22("dovecot", "imap-login: Disconnected" + ": a".repeat(22) + " (x"),
    DOVECOT_HOSTILE_1000("dovecot", "imap-login: Disconnected" + ": a".repeat(1_000) + " (x"),
    DOMINO_HOSTILE_100("domino-smtp", "smtp: " + "a ".repeat(100)),
    DOMINO_HOSTILE_4000("domino-smtp", "smtp: " + "a ".repeat(4_000));

    private final String filter;
    private final String message;

    Line(String filter, String message) {
      this.filter = filter;
      this.message = message;
    }

    private byte[] bytes() {
      String begin =
          filter.equals("domino-smtp")
              ? "[28325:00010] 2026-11-21 07:00:00 "
              : "Nov 21 07:00:00 web1 " + filter + "[4711]: ";
      return (begin + message).getBytes(UTF_8);
    }
  }

  @Param private Line line = Line.SSHD_FAILURE;

  private final RequestFacts facts = new RequestFacts();
  private FilterFormat format = format("sshd");
  private byte[] bytes = {};

  @Setup
  public void read() {
    format = format(line.filter);
    bytes = line.bytes();
  }

  @Benchmark
  public boolean parse() {
    return format.parse(bytes, 0, bytes.length, facts);
  }

  /** Prints microseconds of processor time for each line, the best of some rounds. */
  public static void main(String[] arguments) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    for (Line each : Line.values()) {
      FilterBenchmark benchmark = new FilterBenchmark();
      benchmark.line = each;
      benchmark.read();
      double best = Double.MAX_VALUE;
      int found = 0;
      for (int round = 0; round < ROUNDS; round++) {
        long began = threads.getCurrentThreadCpuTime();
        for (int i = 0; i < LINES; i++) {
          found += benchmark.parse() ? 1 : 0;
        }
        long took = threads.getCurrentThreadCpuTime() - began;
        best = Math.min(best, took / 1_000.0 / LINES);
      }
      System.out.printf(
          Locale.ROOT, "%-22s %8.2f us %s%n", each, best, found > 0 ? "failure" : "none");
    }
  }

  private static final int ROUNDS = 50;
  private static final int LINES = 500;

  private static FilterFormat format(String name) {
    return new FilterFormat(
        CompiledFilter.compile(JailTree.filter(Path.of("/etc/fail2ban"), new Disk(), name)),
        new LocalZone(ZoneOffset.UTC, InstantSource.fixed(NOW)));
  }

  private static final class Disk implements TreeFiles {
    @Override
    public Optional<byte[]> read(Path file) {
      try {
        return Files.isRegularFile(file) ? Optional.of(Files.readAllBytes(file)) : Optional.empty();
      } catch (IOException e) {
        throw new UncheckedIOException("a filter cannot be read", e);
      }
    }

    @Override
    public List<Path> list(Path directory) {
      if (!Files.isDirectory(directory)) {
        return List.of();
      }
      try (Stream<Path> found = Files.list(directory)) {
        return found.toList();
      } catch (IOException e) {
        throw new UncheckedIOException("a directory cannot be listed", e);
      }
    }
  }
}
