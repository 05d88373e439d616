package io.ipsentry.banlog;

import com.fasterxml.jackson.core.JsonFactory;
import io.ipsentry.ban.BanEvent;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.slf4j.Logger;
import org.sqlite.SQLiteJDBCLoader;
import org.sqlite.util.LibraryLoaderUtil;
import org.sqlite.util.OSInfo;

/**
 * A process of its own that appends to an {@link SqliteBanLog} and writes {@code ack HEAD} to its
 * standard output as soon as an append has returned. Tests kill it and trace it.
 *
 * <p>The batch after event {@code h} has {@code 1 + h % 3} events with the reasons {@code RUN-h-0},
 * {@code RUN-h-1}, …, so that a reader can tell what should be there.
 */
final class AppendingProcess {
  /** Written after each append, before the number. */
  static final String ACKNOWLEDGED = "ack ";

  /** Makes it compact the log at the same time. */
  static final String COMPACT = "compact";

  private static final int STEP = 5;

  private AppendingProcess() {}

  /** Arguments: file, name of the run, number of appends (-1: until killed), {@link #COMPACT}? */
  public static void main(String[] args) throws IOException, InterruptedException {
    try (SqliteBanLog log = SqliteBanLog.open(Path.of(args[0]));
        FileOutputStream out = new FileOutputStream(FileDescriptor.out)) {
      long head = log.head();
      int appends = Integer.parseInt(args[2]);
      if (args.length > 3) {
        long seen = head;
        CountDownLatch compacting = new CountDownLatch(1);
        Thread.ofPlatform().daemon().start(() -> compactForEver(log, seen, compacting));
        // Else most runs are over before it has loaded its classes.
        compacting.await();
      }
      for (int i = 0; i != appends; i++) {
        List<BanEvent> batch =
            TestEvents.timedBans(args[1] + '-' + head, head, 1 + (int) (head % 3));
        AppendResult result = log.append(head, batch);
        if (!(result instanceof AppendResult.Appended(long newHead))) {
          throw new IllegalStateException("alone, and yet: " + result);
        }
        head = newHead;
        out.write((ACKNOWLEDGED + head + '\n').getBytes(StandardCharsets.US_ASCII));
      }
    }
  }

  /**
   * Stores snapshots and deletes old events without a pause, {@value #STEP} more each time; only of
   * those that were there before, because the test has seen them.
   */
  private static void compactForEver(SqliteBanLog log, long seen, CountDownLatch compacting) {
    BanWriter writer = BanWriter.start(log, InstantSource.system(), event -> {});
    Duration keep = Duration.ofSeconds(1);
    AtomicLong oldest = new AtomicLong(log.base());
    LogCompaction compaction =
        new LogCompaction(
            log,
            writer,
            () -> Optional.of(keep),
            () -> TestEvents.T0.plusSeconds(oldest.get()).plus(keep),
            1);
    while (true) {
      compaction.snapshotIfDue();
      oldest.set(Math.min(seen, oldest.get() + STEP));
      compaction.purge();
      compacting.countDown();
    }
  }

  /**
   * The command that starts it, with flags for a quick start.
   *
   * @param work directory with the native library
   */
  static List<String> command(Path work, Path file, String run, int appends, String... more) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:-UsePerfData",
            "-Xmx64m",
            "--enable-native-access=ALL-UNNAMED",
            "-Dorg.sqlite.lib.path=" + work,
            "-Dorg.sqlite.lib.name=" + LibraryLoaderUtil.getNativeLibName(),
            "-cp",
            classPath(),
            AppendingProcess.class.getName(),
            file.toString(),
            run,
            Integer.toString(appends)));
    command.addAll(List.of(more));
    return command;
  }

  /** Puts SQLite's native library into a directory once, so that each start need not unpack it. */
  static void unpackNativeLibrary(Path work) throws IOException {
    String resource =
        "/org/sqlite/native/"
            + OSInfo.getNativeLibFolderPathForCurrentOS()
            + '/'
            + LibraryLoaderUtil.getNativeLibName();
    try (InputStream in =
        Objects.requireNonNull(SQLiteJDBCLoader.class.getResourceAsStream(resource), resource)) {
      Files.copy(in, work.resolve(LibraryLoaderUtil.getNativeLibName()));
    }
  }

  private static String classPath() {
    return Stream.of(
            AppendingProcess.class,
            BanLog.class,
            SQLiteJDBCLoader.class,
            JsonFactory.class,
            Logger.class,
            NullMarked.class)
        .map(AppendingProcess::location)
        .distinct()
        .collect(Collectors.joining(System.getProperty("path.separator")));
  }

  private static String location(Class<?> type) {
    try {
      return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
    } catch (URISyntaxException e) {
      throw new IllegalStateException("class path cannot be named", e);
    }
  }
}
