package io.ipsentry.watcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class WarmUpTest {
  @TempDir private Path directory;

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.toList();
    }
  }

  @Test
  void run_bansAndLeavesNothing() throws IOException {
    Path leftover = Files.createDirectories(directory.resolve("bans.db.warm-up").resolve("deeper"));
    Files.createFile(leftover.resolve("file"));

    assertThat(WarmUp.run(directory.resolve("bans.db"), InstantSource.system())).isPositive();

    assertThat(files()).isEmpty();
  }

  @Test
  void run_clockThatStands_bansAsWell() throws IOException {
    InstantSource clock = InstantSource.fixed(Instant.parse("2031-12-31T23:59:59Z"));

    assertThat(WarmUp.run(directory.resolve("bans.db"), clock)).isPositive();

    assertThat(files()).isEmpty();
  }

  @Test
  void run_noDirectory_doesWithout() throws IOException {
    assertThat(WarmUp.run(directory.resolve("gone/bans.db"), InstantSource.system())).isZero();

    assertThat(files()).isEmpty();
  }
}
