package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.awaitility.core.ConditionTimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A process of its own writes numbered lines, some 40 000 a second, and renames its file every 100
 * ms for a minute, or for {@code -Drotation.seconds=…}; every line must come once.
 *
 * <p>A rotation is two steps for the writer, as in nginx: it goes on in the renamed file for a
 * while before it opens the new one. The writer waits for a permit before each batch of lines; the
 * permits come at a fixed rate, and none while too many lines are not read yet.
 */
final class RotationUnderLoadTest {
  private static final Duration LENGTH =
      Duration.ofSeconds(Integer.getInteger("rotation.seconds", 60));
  private static final Duration PERIOD = Duration.ofMillis(100);

  private static final Logger logger = LoggerFactory.getLogger(RotationUnderLoadTest.class);

  @TempDir private Path directory;
  private final BitSet seen = new BitSet();
  private long doubled;
  private long broken;

  private boolean line(byte[] b, int from, int to) {
    int number = 0;
    int at = from;
    while (at < to && b[at] >= '0' && b[at] <= '9') {
      number = number * 10 + b[at++] - '0';
    }
    if (at == from || to - at != Writer.TAIL.length()) {
      broken++;
    } else if (seen.get(number)) {
      doubled++;
    }
    seen.set(number);
    return true;
  }

  @Test
  void poll_rotatedEveryHundredMillisUnderLoad_losesAndDoublesNothing() throws Exception {
    run(Parts.DATED, LENGTH, PERIOD, new Random(), 0);
  }

  /** The source is dropped again and again, and goes on from a checkpoint that is not the last. */
  @Test
  void restart_atRandomPointsUnderLoad_losesAndDoublesNothing() throws Exception {
    run(Parts.DATED, LENGTH.dividedBy(6), PERIOD.dividedBy(2), seeded(), 20);
  }

  /**
   * Every name changes with each rotation, and the part before the last is compressed then: what
   * was found when the directory was searched may be gone, or another, when it is opened.
   */
  @Test
  void restart_partsRenamedAndCompressedMeanwhile_losesAndDoublesNothing() throws Exception {
    run(Parts.NUMBERED_GZIP, LENGTH.dividedBy(6), PERIOD, seeded(), 50);
  }

  private static Random seeded() {
    long seed = System.nanoTime();
    logger.atInfo().addKeyValue("seed", seed).log("Restarts under load");
    return new Random(seed);
  }

  private FileSource source(Path log) {
    return new FileSource(
        "test",
        List.of(log.toString()),
        FileSource.StartAt.BEGINNING,
        stream -> (b, from, to, at) -> line(b, from, to),
        InstantSource.system());
  }

  /**
   * @param killsInThousand how many of a thousand rounds end with a kill
   */
  private void run(
      Parts parts, Duration length, Duration period, Random random, int killsInThousand)
      throws Exception {
    Path log = directory.resolve("access.log");
    FileSource source = source(log);
    // Before anything is rotated away, for what is there at the first look is old.
    source.poll(1);
    Process writer = start(log, parts, length, period);
    byte[] checkpoint = new byte[0];
    BitSet seenThen = new BitSet();
    int kills = 0;
    try (SourceLoop loop = new SourceLoop(List.of(source));
        BufferedReader said = writer.inputReader(StandardCharsets.UTF_8);
        Permits permits = Permits.start(writer.getOutputStream())) {
      while (writer.isAlive()) {
        permits.read(seen.length());
        if (!loop.poll()) {
          loop.awaitWork(Duration.ofMillis(100));
        }
        int what = random.nextInt(1000);
        if (checkpoint.length > 0 && what < killsInThousand) {
          kills++;
          source.close();
          seen.clear();
          seen.or(seenThen);
          source = source(log);
          source.restore(checkpoint);
          loop.replaceSources(List.of(source));
        } else if (!seen.isEmpty() && what < 4 * killsInThousand) {
          checkpoint = source.checkpoint();
          seenThen = (BitSet) seen.clone();
        }
      }
      String last = said.readLine();
      assertThat(last).as("what the writer says in the end: lines and rotations").isNotNull();
      int lines = Integer.parseInt(last.split(" ")[0]);
      int rotations = Integer.parseInt(last.split(" ")[1]);
      try {
        StdinSourceTest.pollUntil(loop, () -> seen.cardinality() >= lines);
      } catch (ConditionTimeoutException e) {
        int missing = seen.nextClearBit(0);
        throw new AssertionError(
            "first lines that are missing: %d to %d of %d"
                .formatted(missing, seen.nextSetBit(missing) - 1, lines),
            e);
      }
      while (loop.poll()) {
        // Whatever came twice comes now.
      }

      logger
          .atInfo()
          .addKeyValue("lines", lines)
          .addKeyValue("rotations", rotations)
          .addKeyValue("kills", kills)
          .addKeyValue("lost", lines - seen.cardinality())
          .addKeyValue("doubled", doubled)
          .log("Rotation under load");
      assertThat(doubled).as("doubled").isZero();
      assertThat(broken).as("broken").isZero();
      assertThat(seen.nextClearBit(0)).as("first number that is missing").isEqualTo(lines);
      assertThat(rotations).isGreaterThanOrEqualTo((int) (length.dividedBy(period) * 5 / 6));
      assertThat(source.status().errors()).isZero();
    } finally {
      source.close();
      writer.destroyForcibly();
    }
  }

  private static Process start(Path log, Parts parts, Duration length, Duration period)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx64m"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(
        List.of(
            Writer.class.getName(),
            log.toString(),
            parts.name(),
            String.valueOf(length.toMillis()),
            String.valueOf(period.toMillis())));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  /** Lets the writer go on, one batch a millisecond, as long as the reader comes along. */
  private static final class Permits implements AutoCloseable {
    private static final int MAX_LINES_BEHIND = 100_000;

    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final OutputStream to;
    private final AtomicInteger read = new AtomicInteger();
    private int given;

    private Permits(OutputStream to) {
      this.to = to;
    }

    static Permits start(OutputStream to) {
      Permits permits = new Permits(to);
      ScheduledFuture<?> ignored =
          permits.timer.scheduleAtFixedRate(permits::give, 0, 1, TimeUnit.MILLISECONDS);
      return permits;
    }

    /** Tells how many lines are read. */
    void read(int lines) {
      read.accumulateAndGet(lines, Math::max);
    }

    private void give() {
      if (given - read.get() > MAX_LINES_BEHIND) {
        return;
      }
      try {
        to.write('.');
        to.flush();
        given += Writer.BATCH;
      } catch (IOException e) {
        // The writer has ended; nobody waits for permits any more.
        timer.shutdown();
      }
    }

    @Override
    public void close() {
      timer.shutdownNow();
    }
  }

  /** How the writer names its rotated files, and what else it does with them. */
  private enum Parts {
    /**
     * By the moment; the last 400 are kept, so that the oldest is older than any reader is late.
     */
    DATED {
      @Override
      Path name(Path log, int rotation) {
        return log.resolveSibling("access.log.2026112107%06d".formatted(rotation));
      }

      @Override
      void makeRoom(Path log) throws IOException {
        try (Stream<Path> all = Files.list(log.getParent())) {
          List<Path> old = all.filter(p -> !p.equals(log)).sorted().toList();
          for (Path path : old.subList(0, Math.max(0, old.size() - 400))) {
            Files.delete(path);
          }
        }
      }
    },
    /** As logrotate does with {@code delaycompress}; the last 100 are kept. */
    NUMBERED_GZIP {
      @Override
      Path name(Path log, int rotation) {
        return numbered(log, 1, "");
      }

      @Override
      void makeRoom(Path log) throws IOException {
        Path last = numbered(log, 1, "");
        if (Files.exists(last)) {
          Path packed = numbered(log, 1, ".gz");
          try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
            Files.copy(last, out);
          }
          Files.setLastModifiedTime(packed, Files.getLastModifiedTime(last));
          Files.delete(last);
        }
        for (int n = 100; n > 0; n--) {
          Path part = numbered(log, n, ".gz");
          if (Files.exists(part)) {
            Files.move(part, numbered(log, n + 1, ".gz"), StandardCopyOption.REPLACE_EXISTING);
          }
        }
      }

      private static Path numbered(Path log, int n, String end) {
        return log.resolveSibling("access.log." + n + end);
      }
    };

    abstract Path name(Path log, int rotation);

    /** Before the file gets its new name. */
    abstract void makeRoom(Path log) throws IOException;
  }

  /** The other process. */
  static final class Writer {
    static final String TAIL = " GET /index.html HTTP/1.1 200 some more text to make a line of it";

    /** Lines that are written at once, as a web server's buffer does, also parts of lines. */
    private static final int BATCH = 50;

    private Writer() {}

    public static void main(String[] args) throws IOException {
      Path log = Path.of(args[0]);
      long end = System.nanoTime() + Duration.ofMillis(Long.parseLong(args[2])).toNanos();
      long period = Duration.ofMillis(Long.parseLong(args[3])).toNanos();
      long next = System.nanoTime() + period;
      int number = 0;
      int rotations = 0;
      Parts parts = Parts.valueOf(args[1]);
      LogFile file = new LogFile(log);
      while (System.nanoTime() < end && System.in.read() >= 0) {
        number = file.write(number);
        if (System.nanoTime() >= next) {
          next += period;
          rotations++;
          Path part = parts.name(log, rotations);
          parts.makeRoom(log);
          Files.move(log, part);
          // The old file goes on for a moment, as a worker that was not told yet writes on.
          number = file.write(number);
          file.close();
          file = new LogFile(log);
        }
      }
      file.close();
      System.out.println(number + " " + rotations);
    }

    private static final class LogFile {
      private final FileChannel channel;

      LogFile(Path log) throws IOException {
        channel = FileChannel.open(log, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      }

      int write(int from) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < BATCH; i++) {
          text.append(from + i).append(TAIL).append('\n');
        }
        byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        int half = bytes.length * 2 / 3;
        channel.write(ByteBuffer.wrap(bytes, 0, half));
        channel.write(ByteBuffer.wrap(bytes, half, bytes.length - half));
        return from + BATCH;
      }

      void close() throws IOException {
        channel.close();
      }
    }
  }
}
