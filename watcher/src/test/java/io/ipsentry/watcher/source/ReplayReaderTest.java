package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ReplayReaderTest {
  @TempDir private Path directory;

  @Test
  void readSome_plainFile_deliversAllLines() throws IOException {
    List<String> expected = numbered(0, 100_000);
    Path file = Files.writeString(directory.resolve("a.log"), String.join("\n", expected));
    Lines lines = new Lines();
    try (ReplayReader reader = ReplayReader.open(file, lines)) {
      readAll(reader);

      assertThat(lines.list()).isEqualTo(expected);
      assertThat(lines.ended()).isTrue();
      assertThat(reader.lines()).isEqualTo(100_000);
      assertThat(reader.bytesDone()).isEqualTo(reader.bytesTotal()).isEqualTo(Files.size(file));
      assertThat(reader.problem()).isEmpty();
    }
  }

  @Test
  void readLine_plainFile_deliversOneAtATime() throws IOException {
    Path file = Files.writeString(directory.resolve("a.log"), "1\n" + "x".repeat(99_999) + "\n\n3");
    Lines lines = new Lines();
    try (ReplayReader reader = ReplayReader.open(file, lines)) {
      for (int i = 1; i <= 4; i++) {
        assertThat(reader.readLine()).isTrue();
        assertThat(lines.list()).hasSize(i);
      }
      assertThat(reader.readLine()).isFalse();
      assertThat(lines.list()).containsExactly("1", "x".repeat(LineSource.MAX_LINE_BYTES), "", "3");
    }
  }

  @Test
  void readSome_emptyFile_deliversNothing() throws IOException {
    Path file = Files.createFile(directory.resolve("a.log"));
    Lines lines = new Lines();
    try (ReplayReader reader = ReplayReader.open(file, lines)) {
      assertThat(reader.readSome()).isFalse();
      assertThat(lines.list()).isEmpty();
    }
  }

  @Test
  void readSome_gzipOfSeveralMembers_isOneFile() throws IOException {
    List<String> expected = numbered(0, 50_000);
    Path file = directory.resolve("a.log.gz");
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(gzip(expected.subList(0, 20_000)));
      out.write(gzip(List.of()));
      out.write(gzip(expected.subList(20_000, 50_000)));
    }
    Lines lines = new Lines();
    try (ReplayReader reader = ReplayReader.open(file, lines)) {
      readAll(reader);

      assertThat(lines.list()).isEqualTo(expected);
      assertThat(reader.bytesDone()).isEqualTo(Files.size(file));
      assertThat(reader.problem()).isEmpty();
    }
  }

  @Test
  void readSome_gzipCutOff_deliversWhatIsThereAndTells() throws IOException {
    List<String> expected = numbered(0, 50_000);
    byte[] whole = gzip(expected);
    Path file = directory.resolve("cut"); // known by its content, not by its name
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    Lines lines = new Lines();
    try (ReplayReader reader = ReplayReader.open(file, lines)) {
      readAll(reader);

      int got = lines.list().size();
      assertThat(got).isBetween(15_000, 35_000);
      assertThat(lines.list().subList(0, got - 1)).isEqualTo(expected.subList(0, got - 1));
      assertThat(reader.problem()).get().asString().contains("ends early", "were read");
    }
  }

  @Test
  void of_pipe_readsPlainAndGzip() throws IOException {
    List<String> expected = numbered(0, 20_000);
    byte[] plain = (String.join("\r\n", expected) + "\r\n").getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    packed.write(gzip(expected.subList(0, 5)));
    packed.write(gzip(expected.subList(5, 20_000)));
    for (byte[] content : List.of(plain, packed.toByteArray())) {
      Lines lines = new Lines();
      try (ReplayReader reader = ReplayReader.of("-", new Trickle(content), lines)) {
        readAll(reader);

        assertThat(lines.list()).isEqualTo(expected);
        assertThat(reader.bytesTotal()).isEqualTo(-1);
        assertThat(reader.bytesDone()).isEqualTo(content.length);
      }
    }
  }

  @Test
  void open_otherCompression_saysWhatToDo() throws IOException {
    Path file = directory.resolve("a.log.zst");
    Files.write(file, new byte[] {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 0, 0, 0});

    assertThatThrownBy(() -> ReplayReader.open(file, new Lines()))
        .isInstanceOf(UnsupportedCompressionException.class)
        .hasMessageContaining("zstd -dc");
  }

  @Test
  void open_missingFile_isRefused() {
    assertThatThrownBy(() -> ReplayReader.open(directory.resolve("none"), new Lines()))
        .isInstanceOf(FileNotFoundException.class);
  }

  private static void readAll(ReplayReader reader) {
    int rounds = 0;
    while (reader.readSome()) {
      assertThat(++rounds).isLessThan(1_000_000);
    }
  }

  private static List<String> numbered(int from, int to) {
    return IntStream.range(from, to).mapToObj(i -> "line number " + i).toList();
  }

  private static byte[] gzip(List<String> lines) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      for (String line : lines) {
        out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
      }
    }
    return bytes.toByteArray();
  }

  /** As a pipe: never more than some bytes at once, and nothing known to be ready. */
  private static final class Trickle extends InputStream {
    private final ByteArrayInputStream in;

    Trickle(byte[] bytes) {
      in = new ByteArrayInputStream(bytes);
    }

    @Override
    public int read() {
      return in.read();
    }

    @Override
    public int read(byte[] b, int from, int length) {
      return in.read(b, from, Math.min(length, 777));
    }

    @Override
    public int available() {
      return 0;
    }
  }
}
