package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.testing.Programs;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ban log on a file system that is really full: a tmpfs of 2 MiB. */
@RequiresRoot
@RequiresProgram({"mount", "umount"})
final class FullDiskTest {
  /** Far more than fit. */
  private static final int MAX_APPENDS = 2_000;

  @TempDir private Path directory;
  private Path disk;

  @BeforeEach
  void mount() throws IOException {
    disk = Files.createDirectory(directory.resolve("disk"));
    Programs.run(List.of("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk.toString()));
  }

  @AfterEach
  void unmount() {
    Programs.run(List.of("umount", disk.toString()));
  }

  @Test
  void append_diskFull_isToldAndLosesNothingAndGoesOnWhenThereIsRoom() throws IOException {
    Path ballast = Files.write(disk.resolve("ballast"), new byte[1 << 19]);
    List<String> acknowledged = new ArrayList<>();
    try (SqliteBanLog log = SqliteBanLog.open(disk.resolve("ban.db"))) {
      String refusal = "";
      for (int i = 0; i < MAX_APPENDS && refusal.isEmpty(); i++) {
        refusal = append(log, "a" + i, acknowledged);
      }
      assertThat(refusal).contains("ban log " + disk).contains("free disk space");
      assertThat(append(log, "again", acknowledged)).isNotEmpty();
      assertThat(reasons(log)).isEqualTo(acknowledged);

      Files.delete(ballast);
      assertThat(append(log, "b", acknowledged)).as("there is room again").isEmpty();
      assertThat(reasons(log)).isEqualTo(acknowledged);
    }
    try (SqliteBanLog log = SqliteBanLog.open(disk.resolve("ban.db"))) {
      assertThat(reasons(log)).isEqualTo(acknowledged);
    }
  }

  @Test
  void snapshot_diskFull_keepsWhatWasThere() throws IOException {
    try (SqliteBanLog log = SqliteBanLog.open(disk.resolve("ban.db"))) {
      log.append(0, TestEvents.timedBans("a", 0, 1_000));
      SnapshotBytes first = snapshot(log);
      log.store(first, false);
      log.append(1_000, TestEvents.timedBans("b", 1_000, 1_000));
      SnapshotBytes second = snapshot(log);
      Path ballast = fill();

      assertThat(failure(() -> log.store(second, true))).contains("free disk space");
      assertThat(log.newestSnapshot()).isEqualTo(1_000);
      assertThat(log.base()).isZero();
      assertThat(snapshot(log).parts()).usingRecursiveComparison().isEqualTo(second.parts());

      Files.delete(ballast);
      log.store(second, true);
      assertThat(log.base()).isEqualTo(2_000);
    }
  }

  private static SnapshotBytes snapshot(SqliteBanLog log) {
    return SnapshotBytes.of(BanWriter.start(log, InstantSource.system(), event -> {}).state());
  }

  private Path fill() throws IOException {
    Path ballast = disk.resolve("ballast");
    byte[] page = new byte[4_096];
    try (OutputStream out = Files.newOutputStream(ballast)) {
      while (true) {
        out.write(page);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
      return ballast;
    }
  }

  /** Why the events did not go in; empty: they did. */
  private static String append(SqliteBanLog log, String name, List<String> acknowledged) {
    return switch (log.append(log.head(), TestEvents.bans(name, 20))) {
      case AppendResult.Appended appended -> {
        TestEvents.bans(name, 20).forEach(event -> acknowledged.add(TestEvents.reason(event)));
        yield "";
      }
      case AppendResult.Full full -> full.reason();
      case AppendResult.Conflict conflict -> throw new AssertionError("alone, and yet " + conflict);
    };
  }

  private static String failure(Runnable change) {
    try {
      change.run();
      return "";
    } catch (BanLogException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private static List<String> reasons(BanLog log) {
    return BanLogContract.readAll(log).stream()
        .map(SequencedEvent::event)
        .map(TestEvents::reason)
        .toList();
  }
}
