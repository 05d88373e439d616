package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileRotationTest {
  private static final String LONG = "a line that is long enough to know a file by it, number ";

  @TempDir private Path directory;

  @Test
  void rename_writerGoesOnInTheOldFile_bothAreRead() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", "1\n");
      rig.settle();
      rig.move("a.log", "a.log.1");
      rig.write("a.log.1", "2\n");
      rig.settle();
      rig.write("a.log", "4\n");
      rig.write("a.log.1", "3\n");
      rig.settle();
      rig.write("a.log.1", "late\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("1", "2", "3", "4", "late");
    }
  }

  @Test
  void rename_newFileHasData_oldIsLetGoAfterTheGrace() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", "1\nno end");
      rig.settle();
      rig.move("a.log", "a.log.1");
      rig.write("a.log", "2\n");
      rig.settle();
      assertThat(rig.lines()).containsExactly("1", "2");
      assertThat(rig.source().openFiles()).isEqualTo(2);

      rig.time().advance(FileChain.DRAIN_GRACE);
      rig.settle();

      assertThat(rig.lines()).containsExactly("1", "2", "no end");
      assertThat(rig.source().openFiles()).isEqualTo(1);
    }
  }

  @Test
  void rename_newFileHasNoData_oldIsKeptWhileItHasAName() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", "1\n");
      rig.settle();
      rig.move("a.log", "a.log.1");
      Files.createFile(rig.path("a.log"));
      rig.time().advance(Duration.ofHours(1));
      rig.settle();
      rig.write("a.log.1", "2\n");
      rig.settle();
      assertThat(rig.lines()).containsExactly("1", "2");

      rig.delete("a.log.1");
      rig.time().advance(FileChain.DETACHED_GRACE);
      rig.settle();
      assertThat(rig.source().openFiles()).isEqualTo(1);
    }
  }

  @Test
  void rename_beforeTheFirstFileWasSeen_readsItButNothingOlder() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log.1", LONG + "0\n");
      rig.settle();
      rig.move("a.log.1", "a.log.2");
      rig.write("a.log.1", LONG + "1\n");
      rig.write("a.log", LONG + "2\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2);
    }
  }

  @Test
  void rename_beforeTheVeryFirstFileWasSeen_readsIt() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.settle();
      rig.save();
      rig.restart();
      rig.write("a.log.1", LONG + "1\n");
      rig.write("a.log", LONG + "2\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2);
    }
  }

  @Test
  void rename_twiceBetweenTwoLooks_theMiddleFileIsReadToo() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", LONG + "1\n");
      rig.settle();
      rig.write("a.log", LONG + "2\n");
      rig.move("a.log", "a.log.1");
      rig.write("a.log", LONG + "3\n");
      rig.move("a.log.1", "a.log.2");
      rig.move("a.log", "a.log.1");
      rig.write("a.log", LONG + "4\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2, LONG + 3, LONG + 4);
    }
  }

  @Test
  void rename_globMatchesTheRotatedNames_nothingIsReadAgain() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log*").startAt(FileSource.StartAt.END)) {
      rig.write("a.log.2", LONG + "-2\n");
      rig.write("a.log.1", LONG + "-1\n");
      rig.write("a.log", LONG + "0\n");
      rig.settle();
      for (int i = 1; i <= 5; i++) {
        rig.write("a.log", LONG + i + "\n");
        for (int n = 8; n > 0; n--) {
          if (Files.exists(rig.path("a.log." + n))) {
            rig.move("a.log." + n, "a.log." + (n + 1));
          }
        }
        rig.move("a.log", "a.log.1");
        rig.settle();
        rig.time().advance(Duration.ofMinutes(2));
      }
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2, LONG + 3, LONG + 4, LONG + 5);
    }
  }

  @Test
  void delete_writerGoesOn_isReadUntilItStops() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      Path file = rig.write("a.log", "1\n");
      rig.settle();
      try (var writer = Files.newBufferedWriter(file, StandardOpenOption.APPEND)) {
        rig.delete("a.log");
        rig.settle();
        writer.write("2\n");
        writer.flush();
        rig.settle();
        rig.write("a.log", "3\n");
        rig.settle();
      }

      assertThat(rig.lines()).containsExactly("1", "2", "3");
      rig.time().advance(FileChain.DRAIN_GRACE);
      rig.settle();
      assertThat(rig.source().openFiles()).isEqualTo(1);
    }
  }

  @Test
  void truncate_isReadFromItsStart() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", "1\n2\n3\n");
      rig.settle();
      rig.truncate("a.log");
      rig.settle();
      rig.write("a.log", "4\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("1", "2", "3", "4");
    }
  }

  @Test
  void truncate_grownBeyondThePositionSince_isReadFromItsStart() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", "1\n2\n3\n");
      rig.settle();
      rig.truncate("a.log");
      rig.write("a.log", "4\n5\n6\n7\n8\n9\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("1", "2", "3", "4", "5", "6", "7", "8", "9");
    }
  }

  @Test
  void copyTruncate_readerBehind_theRestIsReadFromTheCopy() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", LONG + "1\n");
      rig.settle();
      rig.write("a.log", LONG + "2\n");
      rig.copyTruncate("a.log", "a.log.1");
      rig.write("a.log", LONG + "3 longer\n");
      rig.settle();
      rig.time().advance(Duration.ofMinutes(2));
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2, LONG + "3 longer");
    }
  }

  @Test
  void copyTruncate_globMatchesTheCopies_neverDoubled() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log*")) {
      for (int i = 1; i <= 5; i++) {
        rig.write("a.log", LONG + i + "\n");
        rig.settle();
        Files.copy(rig.path("a.log"), rig.path("a.log." + i));
        rig.settle();
        rig.truncate("a.log");
        rig.settle();
      }

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2, LONG + 3, LONG + 4, LONG + 5);
    }
  }

  @Test
  void truncate_writerDoesNotAppend_theHoleIsSkipped() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", "1\n2\n3\n");
      rig.settle();
      rig.truncate("a.log");
      rig.write("a.log", "\0".repeat(6) + "4\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("1", "2", "3", "4");
    }
  }

  @Test
  void symbolicLink_pointsToAnotherFile_bothAreRead() throws IOException {
    // As kubelet and Docker do: containers/x.log → pods/x/0.log → docker/x-json.log.
    try (FileRig rig = new FileRig(directory, "containers/*.log")) {
      Files.createDirectories(rig.path("containers"));
      Files.createDirectories(rig.path("pods/x"));
      Files.createDirectories(rig.path("docker"));
      rig.write("docker/x0-json.log", "1\n");
      Files.createSymbolicLink(rig.path("pods/x/0.log"), rig.path("docker/x0-json.log"));
      Files.createSymbolicLink(rig.path("containers/x.log"), rig.path("pods/x/0.log"));
      rig.settle();
      rig.write("docker/x0-json.log", "2\n");
      rig.write("docker/x1-json.log", "3\n");
      Files.createSymbolicLink(rig.path("pods/x/1.log"), rig.path("docker/x1-json.log"));
      rig.delete("containers/x.log");
      Files.createSymbolicLink(rig.path("containers/x.log"), rig.path("pods/x/1.log"));
      rig.settle();
      rig.write("docker/x0-json.log", "late\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("1", "2", "3", "late");
    }
  }

  @Test
  void symbolicLink_itsTargetIsRotated_theRotatedFileIsFound() throws IOException {
    // kubelet: 0.log is renamed to 0.log.<time>, a new 0.log is made, the one before is compressed.
    try (FileRig rig = new FileRig(directory, "containers/*.log")) {
      Files.createDirectories(rig.path("containers"));
      Files.createDirectories(rig.path("pods"));
      Files.createSymbolicLink(rig.path("containers/x.log"), rig.path("pods/0.log"));
      rig.write("pods/0.log", LONG + "1\n");
      rig.settle();
      rig.save();
      rig.kill();
      rig.write("pods/0.log", LONG + "2\n");
      rig.move("pods/0.log", "pods/0.log.20261121-070001");
      rig.write("pods/0.log", LONG + "3\n");
      rig.start();
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2, LONG + 3);
    }
  }

  @Test
  void directories_symbolicLinks_areThoseOfEveryStep() throws IOException {
    try (FileRig rig = new FileRig(directory, "containers/*.log")) {
      Files.createDirectories(rig.path("containers"));
      Files.createDirectories(rig.path("pods"));
      Files.createSymbolicLink(rig.path("containers/x.log"), Path.of("../pods/0.log"));
      rig.write("pods/0.log", "1\n");
      rig.settle();

      Path real = directory.toRealPath();
      assertThat(rig.source().directories())
          .containsExactlyInAnyOrder(real.resolve("containers"), real.resolve("pods"));
    }
  }
}
