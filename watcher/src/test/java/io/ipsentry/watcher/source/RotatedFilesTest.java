package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rotation goes on between a look at a directory and the reading of what was seen there. */
final class RotatedFilesTest {
  private static final String NEWER = "the newer part, long enough to know a file by it\n";
  private static final String OLDER = "the older part, long enough to know a file by it\n";

  @TempDir private Path directory;
  private Path log;
  private Path first;
  private Path second;

  @BeforeEach
  void write() throws IOException {
    log = directory.resolve("a.log");
    first = Files.writeString(directory.resolve("a.log.1"), NEWER);
    second = Files.writeString(directory.resolve("a.log.2"), OLDER);
  }

  /** A copy of it is looked for: its number is another one. */
  private static SavedFile copyOf(String content) {
    byte[] b = content.getBytes(StandardCharsets.UTF_8);
    return new SavedFile(
        new FileId(0, 0), b.length, b.length, false, Fingerprint.of(b, b.length), 0, 0);
  }

  @Test
  void find_nothingHappened_findsIt() throws IOException {
    assertThat(RotatedFiles.beside(log).find(copyOf(NEWER)))
        .hasValueSatisfying(entry -> assertThat(entry.path()).isEqualTo(first));
  }

  @Test
  void find_renamedOverAnotherSinceTheLook_isLookedForAgain() throws IOException {
    RotatedFiles beside = RotatedFiles.beside(log);
    Files.move(first, second, StandardCopyOption.REPLACE_EXISTING);

    assertThatThrownBy(() -> beside.find(copyOf(OLDER))).isInstanceOf(NoSuchFileException.class);
    assertThat(RotatedFiles.beside(log).find(copyOf(NEWER)))
        .hasValueSatisfying(entry -> assertThat(entry.path()).isEqualTo(second));
  }

  @Test
  void fits_fileIsNotThereAnyMore_saysNeitherYesNorNo() throws IOException {
    FileFacts facts = FileFacts.of(first);
    Files.delete(first);

    assertThatThrownBy(() -> KnownFiles.fits(copyOf(NEWER), facts, first))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void fits_anotherFileHasTheName_saysNeitherYesNorNo() throws IOException {
    FileFacts facts = FileFacts.of(second);
    Files.move(first, second, StandardCopyOption.REPLACE_EXISTING);

    assertThatThrownBy(() -> KnownFiles.fits(copyOf(OLDER), facts, second))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("another file");
  }
}
