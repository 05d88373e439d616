package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileContentTest {
  @TempDir private Path directory;

  @Test
  void read_nameOfTheCompressedFileIsAnothersNow_startsItsOwnOver() throws IOException {
    Path name = gzip("a.log.1.gz", "own content");
    byte[] b = new byte[4];
    try (FileContent content = FileContent.open(name)) {
      content.read(b, 0, b.length, 0);
      content.read(b, 0, b.length, 4);
      Files.move(name, directory.resolve("a.log.2.gz"));
      gzip("a.log.1.gz", "what came later");
      int n = content.read(b, 0, b.length, 0);

      assertThat(new String(b, 0, n, StandardCharsets.UTF_8)).isEqualTo("own ");
    }
  }

  private Path gzip(String name, String content) throws IOException {
    Path path = directory.resolve(name);
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(path))) {
      out.write(content.getBytes(StandardCharsets.UTF_8));
    }
    return path;
  }
}
