package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

final class SourceLoopTest {
  private static final Logger logger = LoggerFactory.getLogger(SourceLoopTest.class);
  private static final int LINES = 200;

  @TempDir private Path directory;

  @Test
  void awaitWork_lineWritten_wakesUpLongBeforeTheTimeout() throws Exception {
    Path file = Files.createFile(directory.resolve("a.log"));
    AtomicLong writtenAt = new AtomicLong();
    List<Long> micros = Collections.synchronizedList(new ArrayList<>());
    FileSource source =
        source(
            (b, from, to, at) -> micros.add((System.nanoTime() - writtenAt.get()) / 1_000),
            "*.log");
    try (source;
        SourceLoop loop = new SourceLoop(List.of(source))) {
      loop.poll();
      loop.poll();
      for (int i = 0; i < LINES; i++) {
        Thread writer = Thread.ofPlatform().start(() -> write(file, writtenAt));
        int expected = i + 1;
        StdinSourceTest.pollUntil(loop, () -> micros.size() == expected);
        writer.join();
      }
    }
    Collections.sort(micros);
    logger
        .atInfo()
        .addKeyValue("median_micros", micros.get(LINES / 2))
        .addKeyValue("p99_micros", micros.get(LINES * 99 / 100))
        .log("Line written to line delivered");
    assertThat(micros).hasSize(LINES);
  }

  @Test
  void poll_newFileAndNewDirectory_areAnnounced() throws Exception {
    Lines lines = new Lines();
    try (FileSource source = source(lines, "**/*.log");
        SourceLoop loop = new SourceLoop(List.of(source))) {
      loop.poll();
      Files.createDirectories(directory.resolve("pods/x"));
      Files.writeString(directory.resolve("pods/x/0.log"), "1\n");
      StdinSourceTest.pollUntil(loop, () -> lines.list().size() == 1);
      Files.move(directory.resolve("pods/x/0.log"), directory.resolve("pods/x/0.log.20261121"));
      Files.writeString(directory.resolve("pods/x/0.log"), "2\n");
      StdinSourceTest.pollUntil(loop, () -> lines.list().size() == 2);

      assertThat(source.directories()).hasSizeGreaterThanOrEqualTo(3);
    }
  }

  @Test
  void poll_twoSources_bothGetTheirTurns() throws Exception {
    Path big = directory.resolve("big.log");
    Files.writeString(big, "x".repeat(99).concat("\n").repeat(200_000));
    Files.writeString(directory.resolve("small.log"), "small\n");
    Lines small = new Lines();
    AtomicLong count = new AtomicLong();
    try (FileSource a = source((b, from, to, at) -> count.incrementAndGet() > 0, "big.log");
        FileSource b = source(small, "small.log");
        SourceLoop loop = new SourceLoop(List.of(a, b))) {
      assertThat(loop.poll()).isTrue();
      assertThat(small.list()).containsExactly("small");
      assertThat(count.get()).isBetween(1L, 100_000L);
    }
  }

  @Test
  void awaitWork_nothingHappens_returnsAfterTheTimeout() throws Exception {
    try (FileSource source = source(new Lines(), "a.log");
        SourceLoop loop = new SourceLoop(List.of(source))) {
      loop.poll();
      loop.awaitWork(Duration.ofMillis(1));
      loop.wakeUp();
      loop.awaitWork(Duration.ofHours(1));

      assertThat(loop.poll()).isFalse();
    }
  }

  private FileSource source(LineHandler handler, String pattern) {
    return new FileSource(
        pattern,
        List.of(directory.resolve(pattern).toString()),
        FileSource.StartAt.BEGINNING,
        stream -> handler,
        InstantSource.system());
  }

  private static void write(Path file, AtomicLong writtenAt) {
    try {
      writtenAt.set(System.nanoTime());
      Files.write(file, "x\n".getBytes(StandardCharsets.UTF_8), StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new IllegalStateException("cannot write", e);
    }
  }
}
