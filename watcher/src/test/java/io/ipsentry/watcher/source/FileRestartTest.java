package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileRestartTest {
  private static final String LONG = "a line that is long enough to know a file by it, number ";

  @TempDir private Path directory;

  @Test
  void restart_sameFile_goesOnWhereItWas() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", "1\n2\nhalf");
      rig.settle();
      rig.save();
      rig.write("a.log", " of 3\n");
      rig.settle();
      rig.restart();
      rig.write("a.log", "4\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("1", "2", "half of 3", "4");
    }
  }

  @Test
  void restart_beforeTheFirstPoll_keepsTheCheckpoint() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", "1\n");
      rig.settle();
      rig.save();
      rig.restart();
      rig.save();
      rig.restart();
      rig.settle();

      assertThat(rig.lines()).containsExactly("1");
    }
  }

  @Test
  void restart_rotatedMeanwhile_readsAllPartsInOrder() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", LONG + "1\n");
      rig.settle();
      rig.save();
      rig.kill();
      rig.write("a.log", LONG + "2\n");
      rig.move("a.log", "a.log.3");
      rig.write("a.log.2", LONG + "3\n");
      rig.write("a.log.1", LONG + "4\n");
      stamp(rig, "a.log.3", 1);
      stamp(rig, "a.log.2", 2);
      stamp(rig, "a.log.1", 3);
      rig.write("a.log", LONG + "5\n");
      rig.start();
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2, LONG + 3, LONG + 4, LONG + 5);
    }
  }

  @Test
  void restart_rotatedFilesFromBefore_areNotRead() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log.2", LONG + "-1\n");
      rig.write("a.log.1", LONG + "0\n");
      rig.write("a.log", LONG + "1\n");
      stamp(rig, "a.log.2", -20);
      stamp(rig, "a.log.1", -10);
      rig.settle();
      rig.save();
      rig.kill();
      rig.move("a.log.2", "a.log.3");
      rig.move("a.log.1", "a.log.2");
      rig.move("a.log", "a.log.1");
      rig.write("a.log", LONG + "2\n");
      rig.start();
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2);
    }
  }

  @Test
  void restart_rotatedAndCompressedMeanwhile_readsTheRestOfEach() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", LONG + "1\n");
      rig.settle();
      rig.save();
      rig.kill();
      rig.write("a.log", LONG + "2\n" + LONG + "3\n");
      gzip(rig, "a.log", "a.log.2.gz", 1);
      rig.write("b", LONG + "4\n");
      gzip(rig, "b", "a.log.1.gz", 2);
      rig.write("a.log", LONG + "5\n");
      rig.start();
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2, LONG + 3, LONG + 4, LONG + 5);
    }
  }

  @Test
  void restart_compressedLongAgoButTouchedLate_isNotReadAgain() throws IOException {
    // kubelet compresses the file before only when the next one is rotated.
    try (FileRig rig = new FileRig(directory, "0.log")) {
      rig.write("old", LONG + "0\n");
      gzip(rig, "old", "0.log.20261121-060000.gz", 3600);
      rig.write("0.log", LONG + "1\n");
      rig.settle();
      rig.save();
      rig.kill();
      rig.write("0.log", LONG + "2\n");
      rig.move("0.log", "0.log.20261121-070000");
      rig.write("0.log", LONG + "3\n");
      rig.start();
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2, LONG + 3);
    }
  }

  @Test
  void restart_copyTruncatedMeanwhile_readsTheRestOfTheCopy() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", LONG + "1\n");
      rig.settle();
      rig.save();
      rig.kill();
      rig.write("a.log", LONG + "2\n");
      rig.copyTruncate("a.log", "a.log.1");
      rig.write("a.log", LONG + "3\n" + LONG + "4\n" + LONG + "5\n");
      rig.start();
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2, LONG + 3, LONG + 4, LONG + 5);
    }
  }

  @Test
  void restart_inodeGivenToAnotherFile_isReadFromItsStart() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", "first content\n");
      rig.settle();
      rig.save();
      rig.kill();
      // The same inode with other content is what a file that got the number looks like.
      rig.truncate("a.log");
      rig.write("a.log", "other content, longer than before\nand more\n");
      rig.start();
      rig.settle();

      assertThat(rig.lines())
          .containsExactly("first content", "other content, longer than before", "and more");
    }
  }

  @Test
  void restart_fileGone_isReportedAndTheNewOneRead() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", LONG + "1\n");
      rig.settle();
      rig.save();
      rig.kill();
      rig.write("other", "takes the inode if it is free\n");
      rig.delete("a.log");
      rig.write("a.log", LONG + "2\n");
      rig.start();
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2);
      assertThat(rig.source().status().errors()).isEqualTo(1);
      assertThat(rig.source().status().streams().getFirst().note()).contains("went");
    }
  }

  @Test
  void restart_fileLostItsTail_isNotReadAgain() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      String kept = (LONG + "1\n").repeat(30);
      rig.write("a.log", kept + LONG + "2\n");
      rig.settle();
      rig.save();
      rig.kill();
      rig.truncate("a.log");
      rig.write("a.log", kept);
      rig.start();
      rig.settle();
      rig.write("a.log", LONG + "3\n");
      rig.settle();

      assertThat(rig.lines()).hasSize(32).endsWith(LONG + 1, LONG + 2, LONG + 3);
    }
  }

  /** A part in which nothing was read is known by its number only, which its successor may get. */
  @Test
  void restart_numberOfTheUnreadFileIsItsSuccessorsNow_emptyPartIsReadWhenItGrows()
      throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      unreadFileSaved(rig);
      rig.move("a.log", "same number");
      rig.write("a.log.1", "");
      rig.move("same number", "a.log");
      rig.write("a.log", LONG + "3\n");
      rig.start();
      rig.settle();
      rig.write("a.log.1", LONG + "2\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 3, LONG + 2);
    }
  }

  @Test
  void restart_emptyPartOfBeforeIsCompressed_isRead() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      unreadFileSaved(rig);
      rig.write("a.log.1", "");
      rig.write("a.log", LONG + "3\n");
      rig.start();
      rig.settle();
      rig.save();
      rig.kill();
      rig.write("a.log.1", LONG + "2\n");
      gzip(rig, "a.log.1", "a.log.1.gz", 0);
      rig.start();
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 3, LONG + 2);
    }
  }

  @Test
  void restart_unreadPartWrittenAndCompressedMeanwhile_isRead() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", LONG + "1\n");
      rig.settle();
      rig.move("a.log", "a.log.2");
      rig.write("a.log", "");
      rig.settle();
      rig.move("a.log", "a.log.1");
      rig.write("a.log", LONG + "3\n");
      rig.settle();
      rig.save();
      rig.kill();
      rig.write("a.log.1", LONG + "2\n");
      gzip(rig, "a.log.1", "a.log.1.gz", 0);
      rig.start();
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 3, LONG + 2);
    }
  }

  @Test
  void restart_copyInTheMakingOfAnUnreadFile_isNotReadBesideIt() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      unreadFileSaved(rig);
      rig.write("a.log", LONG + "2\n" + LONG + "3\n");
      rig.write("a.log.1", LONG + "2\n");
      rig.start();
      rig.settle();
      rig.write("a.log.1", LONG + "3\n");
      rig.truncate("a.log");
      rig.write("a.log", LONG + "4, and more\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2, LONG + 3, LONG + "4, and more");
    }
  }

  /** Read, rotated away, and an empty file in its place when it was stopped. */
  private static void unreadFileSaved(FileRig rig) throws IOException {
    rig.write("a.log", LONG + "1\n");
    rig.settle();
    rig.move("a.log", "a.log.2");
    rig.write("a.log", "");
    rig.settle();
    rig.save();
    rig.kill();
  }

  @Test
  void restart_newFilesOfAGlob_areReadFromTheirStart() throws IOException {
    try (FileRig rig = new FileRig(directory, "*.log").startAt(FileSource.StartAt.END)) {
      rig.write("a.log", "old\n");
      rig.settle();
      rig.save();
      rig.kill();
      rig.write("b.log", "new\n");
      rig.start();
      rig.settle();

      assertThat(rig.lines()).containsExactly("new");
    }
  }

  @Test
  void restart_newPatternInTheConfiguration_startsAsOnTheFirstDay() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log").startAt(FileSource.StartAt.END)) {
      rig.write("a.log", "old\n");
      rig.write("b.log", "old too\n");
      rig.settle();
      rig.save();
      rig.kill();
      rig.follow("a.log", "b.log");
      rig.write("a.log", "new\n");
      rig.start();
      rig.settle();
      rig.write("b.log", "new too\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly("new", "new too");
    }
  }

  @Test
  void restart_whileDraining_bothFilesGoOn() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log")) {
      rig.write("a.log", LONG + "1\n");
      rig.settle();
      rig.move("a.log", "a.log.1");
      rig.write("a.log", LONG + "2\n");
      rig.settle();
      rig.save();
      rig.restart();
      rig.write("a.log.1", LONG + "late\n");
      rig.write("a.log", LONG + "3\n");
      rig.settle();

      assertThat(rig.lines()).containsExactly(LONG + 1, LONG + 2, LONG + "late", LONG + 3);
    }
  }

  @Test
  void checkpoint_insideARecord_repeatsItsPiecesAndCountsNothingTwice() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log").whole(line -> !line.startsWith("P"))) {
      rig.write("a.log", "F1\nP2a\nP2b\n");
      rig.settle();
      rig.save();
      rig.restart();
      rig.write("a.log", "F2c\nF3\n");
      rig.settle();
      assertThat(rig.lines()).containsExactly("F1", "P2a", "P2b", "F2c", "F3");
      assertThat(rig.again()).containsExactly("P2a", "P2b");

      rig.save();
      rig.restart();
      rig.settle();
      assertThat(rig.lines()).hasSize(5);
      assertThat(rig.again()).hasSize(2);
    }
  }

  @Test
  void checkpoint_whileARecordIsRepeated_repeatsAllOfItAgain() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log").whole(line -> !line.startsWith("P"))) {
      rig.write("a.log", "P1\nP2\n");
      rig.settle();
      rig.save();
      rig.restart();
      rig.poll();
      rig.save();
      rig.restart();
      rig.write("a.log", "P3\nF\n");
      rig.settle();

      assertThat(rig.again()).containsExactly("P1", "P2", "P1", "P2");
      assertThat(rig.lines()).containsExactly("P1", "P2", "P3", "F");
    }
  }

  @Test
  void checkpoint_recordOverTwoFiles_repeatsBoth() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log").whole(line -> !line.startsWith("P"))) {
      rig.write("a.log", LONG + "\nP1\n");
      rig.settle();
      rig.move("a.log", "a.log.1");
      rig.write("a.log", "P2\n");
      rig.settle();
      rig.save();
      rig.restart();
      rig.settle();
      assertThat(rig.lines()).containsExactly(LONG, "P1", "P2");
      assertThat(rig.again()).containsExactly("P1", "P2");

      rig.write("a.log", "F\n");
      rig.settle();
      rig.save();
      rig.restart();
      rig.settle();
      assertThat(rig.lines()).containsExactly(LONG, "P1", "P2", "F");
    }
  }

  @Test
  void restart_insideARecordInAFileThatLostItsTail_repeatsOnlyWhatIsLeft() throws IOException {
    try (FileRig rig = new FileRig(directory, "a.log").whole(line -> !line.startsWith("P"))) {
      String kept = (LONG + "\n").repeat(30) + "P1\n";
      rig.write("a.log", kept + "P2\n");
      rig.settle();
      rig.save();
      rig.kill();
      rig.truncate("a.log");
      rig.write("a.log", kept);
      rig.start();
      rig.settle();
      rig.write("a.log", "F3\n");
      rig.settle();

      assertThat(rig.again()).containsExactly("P1");
      assertThat(rig.lines()).hasSize(33).endsWith("P1", "P2", "F3");
    }
  }

  private static void stamp(FileRig rig, String name, int secondsFromNow) throws IOException {
    FileTime now = FileTime.fromMillis(System.currentTimeMillis() + secondsFromNow * 1000L);
    Files.setLastModifiedTime(rig.path(name), now);
  }

  private static void gzip(FileRig rig, String from, String to, int secondsFromNow)
      throws IOException {
    byte[] content = Files.readString(rig.path(from)).getBytes(StandardCharsets.UTF_8);
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(rig.path(to)))) {
      out.write(content);
    }
    rig.delete(from);
    stamp(rig, to, secondsFromNow);
  }
}
