package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Random writing, rotation and restarts against the simplest model: what was written is delivered
 * once. Each build makes other runs; {@code -Dmodel.seed=…} repeats one, {@code -Dmodel.rounds=…}
 * makes more of them. The numbers of files are the file system's choice, so a run may need a few
 * repetitions to fail again.
 */
final class FileSourceModelTest {
  private static final int ROUNDS = Integer.getInteger("model.rounds", 150);
  private static final int STEPS = 60;

  @TempDir private Path directory;

  /** How the writer's rotated files are named and treated. */
  enum Rotation {
    NUMBERED,
    NUMBERED_GZIP,
    NUMBERED_DELAYED_GZIP,
    DATED,
    DATED_GZIP,
    COPY_TRUNCATE
  }

  @ParameterizedTest
  @EnumSource(Rotation.class)
  void anyOperations_everyLineIsDeliveredOnce(Rotation rotation) throws IOException {
    long seed = Long.getLong("model.seed", System.nanoTime());
    for (int round = 0; round < ROUNDS; round++) {
      Path sub = Files.createDirectories(directory.resolve("r" + round));
      try (Run run = new Run(sub, rotation, new Random(seed + round))) {
        run.go();
        assertThat(run.difference())
            .as("-Dmodel.seed=%d %s round %d: %s", seed + round, rotation, round, run.log)
            .isEmpty();
      }
    }
  }

  private static final class Run implements AutoCloseable {
    private final Random random;
    private final Rotation rotation;
    private final FileRig rig;
    private final List<String> expected = new ArrayList<>();
    private final List<String> log = new ArrayList<>();
    private String pending = "";
    private boolean running = true;
    private int lineNumber;
    private int rotations;

    Run(Path directory, Rotation rotation, Random random) {
      this.random = random;
      this.rotation = rotation;
      rig = new FileRig(directory, random.nextBoolean() ? "a.log" : "*.log");
    }

    void go() throws IOException {
      write("a.log", rotation == Rotation.COPY_TRUNCATE ? 1 : 0, true);
      rig.poll();
      rig.save();
      for (int i = 0; i < STEPS; i++) {
        step();
      }
      write("a.log", 1, true);
      if (!running) {
        rig.start();
      }
      for (int i = 0; i < 30; i++) {
        rig.settle();
      }
    }

    private void step() throws IOException {
      int what = random.nextInt(10);
      if (what < 3) {
        write("a.log", lines(), random.nextInt(3) > 0);
      } else if (what < 5) {
        rotate();
      } else if (what < 6) {
        log(running ? "kill" : "start");
        if (running) {
          rig.kill();
        } else {
          rig.start();
        }
        running = !running;
      } else if (running) {
        read(what);
      }
    }

    private void read(int what) {
      switch (what) {
        case 6 -> rig.settle();
        case 7, 8 -> {
          rig.source().rescan();
          rig.poll();
        }
        default -> rig.save();
      }
      log(what == 6 ? "settle" : what == 9 ? "save" : "poll");
    }

    private int lines() {
      return random.nextInt(random.nextInt(20) == 0 ? 5_000 : 6);
    }

    /**
     * Ends the line that was begun, and writes more; the last of several only in part unless whole.
     */
    private void write(String name, int lines, boolean whole) throws IOException {
      StringBuilder text = new StringBuilder(pending);
      pending = "";
      for (int i = 0; i < lines; i++) {
        String line = "%06d some text to know the file by".formatted(lineNumber++);
        boolean copied = rotation == Rotation.COPY_TRUNCATE;
        // A file that has the same size again within a tick of the clock looks untouched.
        line += "x".repeat(copied && i == 0 ? rotations : 0);
        expected.add(line);
        text.append(line).append(!copied && random.nextInt(5) == 0 ? "\r\n" : "\n");
      }
      if (!whole && lines > 1) {
        int cut = text.length() - 3 - random.nextInt(18);
        pending = text.substring(cut);
        text.setLength(cut);
      }
      rig.write(name, text.toString());
      log("write %d, %d left".formatted(lines, pending.length()));
    }

    private void rotate() throws IOException {
      rotations++;
      log("rotate");
      String old =
          switch (rotation) {
            case NUMBERED, NUMBERED_GZIP, NUMBERED_DELAYED_GZIP -> {
              if (rotation == Rotation.NUMBERED_DELAYED_GZIP && Files.exists(rig.path("a.log.1"))) {
                gzip("a.log.1");
                look();
              }
              shift();
              yield "a.log.1";
            }
            case DATED, DATED_GZIP -> "a.log.20261121-%06d".formatted(rotations);
            case COPY_TRUNCATE -> "a.log.20261121-%06d".formatted(rotations);
          };
      if (rotation == Rotation.COPY_TRUNCATE) {
        write("a.log", 0, true);
        rig.copyTruncate("a.log", old);
        // A file of which nothing was seen leaves nothing to know its copy by.
        write("a.log", 1, true);
        if (running) {
          rig.source().rescan();
          rig.poll();
        }
        return;
      }
      rig.move("a.log", old);
      if (random.nextBoolean()) {
        rig.write("a.log", "");
        look();
      }
      lateWrites(old);
      if (rotation == Rotation.NUMBERED_GZIP || rotation == Rotation.DATED_GZIP) {
        if (random.nextBoolean()) {
          gzip(old);
        }
      }
      rig.write("a.log", "");
    }

    private void look() {
      if (running && random.nextBoolean()) {
        rig.source().rescan();
        rig.poll();
      }
    }

    /** A worker that was not told yet goes on; or a line is left without its end. */
    private void lateWrites(String old) throws IOException {
      if (!pending.isEmpty() && random.nextInt(4) == 0) {
        String last = expected.removeLast();
        String cut = last + "\n";
        int left = pending.replaceAll("[\\r\\n]", "").length();
        pending = "";
        expected.add(cut.substring(0, last.length() - left));
        return;
      }
      write(old, random.nextInt(3), true);
      look();
      write(old, random.nextInt(3), true);
    }

    private void shift() throws IOException {
      for (int n = rotations; n > 0; n--) {
        for (String end : List.of("", ".gz")) {
          if (Files.exists(rig.path("a.log." + n + end))) {
            rig.move("a.log." + n + end, "a.log." + (n + 1) + end);
          }
        }
      }
    }

    /** As gzip(1), which keeps the time of the file, or as the kubelet, which does not. */
    private void gzip(String name) throws IOException {
      FileTime time = Files.getLastModifiedTime(rig.path(name));
      byte[] content = Files.readString(rig.path(name)).getBytes(StandardCharsets.UTF_8);
      Path packed = rig.path(name + ".gz");
      try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed))) {
        out.write(content, 0, content.length / 2);
        look();
        out.write(content, content.length / 2, content.length - content.length / 2);
      }
      if (rotation != Rotation.DATED_GZIP) {
        Files.setLastModifiedTime(packed, time);
      }
      look();
      rig.delete(name);
      log("gzip");
    }

    private void log(String what) {
      log.add(what);
    }

    /** Lines that are lost, with a minus, and lines that came too often, with a plus. */
    List<String> difference() {
      Map<String, Integer> counts = new TreeMap<>();
      expected.forEach(line -> counts.merge(line, -1, Integer::sum));
      rig.lines().forEach(line -> counts.merge(line, 1, Integer::sum));
      List<String> wrong = new ArrayList<>();
      counts.forEach((line, count) -> {
        if (count != 0) {
          wrong.add((count < 0 ? "-" : "+") + line);
        }
      });
      return wrong.subList(0, Math.min(wrong.size(), 10));
    }

    @Override
    public void close() {
      rig.close();
    }
  }
}
