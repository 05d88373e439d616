package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileSourceTest {
  @TempDir private Path directory;

  @Test
  void poll_fileFromBeginning_deliversItsLinesInOrder() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", "one\ntwo\n");
      rig.poll();
      rig.write("a.log", "three\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("one", "two", "three");
    }
  }

  @Test
  void poll_fileThereOnFirstDayAtEnd_deliversOnlyWhatIsNew() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log").startAt(FileSource.StartAt.END)) {
      rig.write("a.log", "old\nhalf of an old");
      rig.poll();
      rig.write("a.log", " line\nnew\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("new");
    }
  }

  @Test
  void poll_fileAppearsLater_isReadFromItsStart() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log").startAt(FileSource.StartAt.END)) {
      rig.poll();
      assertThat(rig.source().status().streams())
          .extracting(StreamStatus::state)
          .containsOnly(StreamStatus.State.WAITING);
      rig.write("a.log", "first\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("first");
    }
  }

  @Test
  void poll_unfinishedLine_waitsForItsEnd() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", "one\ntw");
      rig.settle();
      assertThat(rig.lines()).containsExactly("one");

      rig.write("a.log", "o\r");
      rig.settle();
      assertThat(rig.lines()).containsExactly("one");

      rig.write("a.log", "\nthree\n");
      rig.settle();
      assertThat(rig.lines()).containsExactly("one", "two", "three");
    }
  }

  @Test
  void poll_longLines_areCutAndTheRestIsSkipped() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      String megabyte = "x".repeat(1 << 20);
      rig.write("a.log", megabyte);
      rig.settle();
      assertThat(rig.lines()).containsExactly("x".repeat(LineSource.MAX_LINE_BYTES));

      rig.save();
      rig.restart();
      rig.write("a.log", megabyte + "\nshort\n" + megabyte + "\nlast\n");
      rig.settle();

      assertThat(rig.lines())
          .containsExactly(
              "x".repeat(LineSource.MAX_LINE_BYTES),
              "short",
              "x".repeat(LineSource.MAX_LINE_BYTES),
              "last");
    }
  }

  @Test
  void poll_binary_isDeliveredAsItIs() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", "\u0016\u0003\u0001\u0000\u00fc\n\n\r\n\u00ff\r\r\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("\u0016\u0003\u0001\u0000\u00fc", "", "", "\u00ff\r");
    }
  }

  @Test
  void poll_glob_picksUpNewFilesAndDirectories() throws IOException {
    try (FileRig rig = new FileRig(directory, "*/web-*.log")) {
      Files.createDirectories(rig.path("n1"));
      rig.write("n1/web-1.log", "1\n");
      rig.write("n1/db-1.log", "no\n");
      rig.write("n1/.web-9.log", "no\n");
      rig.write("n1/web-1.log.gz", "no\n");
      rig.poll();
      rig.write("n1/web-2.log", "2\n");
      Files.createDirectories(rig.path("n2"));
      rig.write("n2/web-3.log", "3\n");
      rig.settle();

      assertThat(rig.lines()).containsExactlyInAnyOrder("1", "2", "3");
      assertThat(rig.lines("n2/web-3.log")).containsExactly("3");
    }
  }

  @Test
  void poll_globOfAnyDepth_matchesAtEveryLevel() throws IOException {
    try (FileRig rig = new FileRig(directory, "**/*.log")) {
      Files.createDirectories(rig.path("a/b"));
      rig.write("0.log", "0\n");
      rig.write("a/1.log", "1\n");
      rig.write("a/b/2.log", "2\n");
      rig.settle();

      assertThat(rig.lines()).containsExactlyInAnyOrder("0", "1", "2");
    }
  }

  @Test
  void poll_sameFileByTwoNames_isReadOnce() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log", "*.log", "links/*")) {
      rig.write("a.log", "1\n");
      Files.createDirectories(rig.path("links"));
      Files.createSymbolicLink(rig.path("links/a"), rig.path("a.log"));
      Files.createLink(rig.path("b.log"), rig.path("a.log"));
      rig.settle();
      rig.write("a.log", "2\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("1", "2");
      assertThat(rig.source().status().streams())
          .extracting(StreamStatus::state)
          .containsExactlyInAnyOrder(
              StreamStatus.State.FOLLOWING,
              StreamStatus.State.SAME_FILE,
              StreamStatus.State.SAME_FILE);
    }
  }

  @Test
  void poll_oneOfTwoNamesGoes_theOtherGoesOn() throws IOException {
    try (FileRig rig = new FileRig(directory, "1.log", "2.log")) {
      rig.write("1.log", "1\n");
      Files.createLink(rig.path("2.log"), rig.path("1.log"));
      rig.settle();
      rig.delete("1.log");
      rig.write("2.log", "2\n");
      rig.settle();
      rig.write("2.log", "3\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("1", "2", "3");
    }
  }

  @Test
  void poll_directoryPipeOrMissing_isNoError() throws IOException {
    try (FileRig rig = new FileRig(directory, "d", "missing/a.log")) {
      Files.createDirectories(rig.path("d"));
      rig.settle();

      assertThat(rig.source().status().streams())
          .extracting(StreamStatus::note)
          .containsExactly("not a regular file", "no such file yet");
      assertThat(rig.source().status().errors()).isZero();
    }
  }

  @Test
  void poll_severalFiles_noneStarvesTheOthers() throws IOException {
    try (FileRig rig = new FileRig(directory, "big.log", "small.log")) {
      rig.write("big.log", ("y".repeat(99) + "\n").repeat(100_000));
      rig.write("small.log", "small\n");
      boolean more = rig.source().poll(ReadContext.BUFFER_BYTES * 2);

      assertThat(more).isTrue();
      assertThat(rig.lines()).contains("small").hasSizeLessThan(10_000);
      rig.poll();
      assertThat(rig.lines()).hasSize(100_001);
    }
  }

  @Test
  void poll_manyFiles_allAreReadWithFewOpen() throws IOException {
    int files = FileSource.MAX_OPEN_FILES + 188;
    try (FileRig rig = new FileRig(directory, "*.log")) {
      for (int i = 0; i < files; i++) {
        rig.write(i + ".log", i + ":0\n");
      }
      rig.settle();
      for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < files; i++) {
          rig.write(i + ".log", i + ":" + round + "\n");
        }
        rig.settle();
        rig.settle();
      }

      List<String> expected = new ArrayList<>();
      for (int i = 0; i < files; i++) {
        for (int round = 0; round <= 3; round++) {
          expected.add(i + ":" + round);
        }
      }
      assertThat(rig.lines()).containsExactlyInAnyOrderElementsOf(expected);
      assertThat(rig.source().openFiles()).isLessThanOrEqualTo(FileSource.MAX_OPEN_FILES);
    }
  }

  @Test
  void status_following_tellsPositionsAndLag() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      Path file = rig.write("a.log", "one\ntwo");
      rig.settle();

      SourceStatus status = rig.source().status();
      assertThat(status.lines()).isEqualTo(1);
      assertThat(status.bytes()).isEqualTo(4);
      assertThat(status.lagBytes()).isEqualTo(3);
      StreamStatus stream = status.streams().getFirst();
      assertThat(stream.label()).isEqualTo(file.toString());
      assertThat(stream.inode()).isEqualTo(Files.getAttribute(file, "unix:ino"));
      assertThat(stream.position()).isEqualTo(4);
      assertThat(stream.size()).isEqualTo(7);
      assertThat(stream.format()).isEqualTo("text");
      assertThat(stream.state()).isEqualTo(StreamStatus.State.FOLLOWING);
      assertThat(stream.lastLineAt()).isNotNull();
    }
  }

  @Test
  void poll_missingGlobMatch_isForgottenInTheEnd() throws IOException {
    try (FileRig rig = new FileRig(directory, "*.log")) {
      rig.write("a.log", "1\n");
      rig.settle();
      rig.delete("a.log");
      rig.settle();
      assertThat(rig.source().status().streams()).isNotEmpty();
      rig.time().advance(Duration.ofMinutes(5));
      rig.settle();
      rig.time().advance(FileSource.FORGET_MISSING);
      rig.settle();
      rig.settle();

      assertThat(rig.source().status().streams()).isEmpty();
      assertThat(rig.ended()).containsExactly(rig.path("a.log").toString());
    }
  }

  @Test
  void restore_somethingElse_isRefused() {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      for (String bad :
          List.of("", "x", "[]", "{\"version\":2}", "{\"version\":1,\"streams\":[3]}")) {
        byte[] bytes = bad.getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> rig.source().restore(bytes))
            .isInstanceOf(CheckpointException.class)
            .hasMessageContaining("'test'");
      }
    }
  }

  @Test
  void poll_unreadableFile_isReportedAndReadOnceItCanBe() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      Path file = rig.write("a.log", "1\n");
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
      rig.settle();
      if (Files.isReadable(file)) {
        assertThat(rig.lines()).as("run as root").containsExactly("1");
        return;
      }
      assertThat(rig.source().status().problems())
          .singleElement()
          .asString()
          .contains("permission");
      assertThat(rig.source().status().errors()).isPositive();
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
      rig.settle();
      assertThat(rig.lines()).containsExactly("1");
    }
  }

  @Test
  void poll_pathThatLeadsNowhere_isReportedAndReadOnceItCanBe() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log", "b.log")) {
      Files.createSymbolicLink(rig.path("a.log"), rig.path("a.log"));
      rig.write("b.log", "b\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("b");
      assertThat(rig.source().status().problems()).singleElement().asString().contains("a.log");
      assertThat(rig.source().status().errors()).isPositive();

      rig.delete("a.log");
      rig.write("a.log", "a\n");
      rig.settle();
      assertThat(rig.lines()).containsExactly("b", "a");
      assertThat(rig.source().status().problems()).isEmpty();
    }
  }
}
