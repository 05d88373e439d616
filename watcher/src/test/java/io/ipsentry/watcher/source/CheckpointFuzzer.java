package io.ipsentry.watcher.source;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.time.InstantSource;
import java.util.List;

/** Whatever lies in the store as a checkpoint, it is taken or refused, never anything else. */
final class CheckpointFuzzer {
  @FuzzTest
  void restore_anyBytes_isTakenOrRefused(byte[] bytes) {
    try {
      FileCheckpoint checkpoint = FileCheckpoint.parse("fuzz", bytes);
      if (!FileCheckpoint.parse("fuzz", checkpoint.toJson()).equals(checkpoint)) {
        throw new AssertionError("written and read again it is another: " + checkpoint);
      }
    } catch (CheckpointException refused) {
      // As it should be.
    }
    try (JournaldSource source =
        new JournaldSource(
            "fuzz",
            List.of("true"),
            FileSource.StartAt.END,
            stream -> (b, from, to, at) -> true,
            InstantSource.system())) {
      source.restore(bytes);
    } catch (CheckpointException refused) {
      // As it should be.
    }
  }

  @FuzzTest
  void read_anyExport_isReadOrRefused(byte[] bytes) {
    JournalEntries entries = new JournalEntries();
    try {
      entries.read(
          bytes,
          0,
          bytes.length,
          (line, cursor, micros) -> {
            if (line.length() > LineSource.MAX_LINE_BYTES) {
              throw new AssertionError("a line of " + line.length());
            }
          });
    } catch (JournalFormatException refused) {
      // As it should be.
    }
  }
}
