package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class LineSplitterTest {
  private static final int MAX = LineSource.MAX_LINE_BYTES;

  @Test
  void split_anyDivision_givesTheLinesOfTheWhole() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      byte[] text = text(random);
      assertThat(inPieces(text, random)).as("seed %d round %d", seed, round).isEqualTo(naive(text));
    }
  }

  @Test
  void indexOfNewline_everyPosition_isFound() {
    byte[] b = new byte[40];
    for (int fill : new int[] {0x0b, 0x8a, 0x00, 0xff, 0x09}) {
      for (int at = 0; at < b.length; at++) {
        for (int from = 0; from <= at; from++) {
          Arrays.fill(b, (byte) fill);
          b[at] = '\n';
          assertThat(LineSplitter.indexOfNewline(b, from, b.length)).isEqualTo(at);
          assertThat(LineSplitter.indexOfNewline(b, from, at)).isEqualTo(-1);
        }
      }
    }
  }

  @Test
  void split_lineAtTheLimit_isWholeWithEitherEnd() {
    String limit = "x".repeat(MAX);
    byte[] text = (limit + "\n" + limit + "\r\n" + limit + "y\n").getBytes(StandardCharsets.UTF_8);

    assertThat(inPieces(text, new Random(1))).containsExactly(limit, limit, limit);
  }

  @Test
  void split_handlerThrows_theLineCountsAsNotDelivered() {
    byte[] text = "one\ntwo\nthree\n".getBytes(StandardCharsets.UTF_8);
    LineSplitter splitter = new LineSplitter();
    splitter.resume(false, true);
    LineHandler handler =
        (b, from, to, at) -> {
          if (b[from] == 't') {
            throw new IllegalStateException("no");
          }
          return true;
        };

    assertThatThrownBy(() -> splitter.split(text, 0, text.length, handler, 0))
        .isInstanceOf(IllegalStateException.class);
    assertThat(splitter.end()).isEqualTo(4);
    assertThat(splitter.lines()).isEqualTo(1);
  }

  private static byte[] text(Random random) {
    StringBuilder text = new StringBuilder();
    int lines = random.nextInt(20);
    for (int i = 0; i < lines; i++) {
      int length =
          switch (random.nextInt(6)) {
            case 0 -> 0;
            case 1 -> MAX - 2 + random.nextInt(5);
            case 2 -> MAX + random.nextInt(3 * MAX);
            default -> random.nextInt(200);
          };
      for (int j = 0; j < length; j++) {
        text.append((char) (random.nextInt(20) == 0 ? '\r' : ' ' + random.nextInt(200)));
      }
      text.append(random.nextBoolean() ? "\n" : "\r\n");
      text.append("\0".repeat(random.nextInt(10) == 0 ? random.nextInt(20) : 0));
    }
    text.append("z".repeat(random.nextInt(50)));
    return text.toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  /** As a file is read: what is left of a piece comes again with the next one. */
  private static List<String> inPieces(byte[] text, Random random) {
    Lines lines = new Lines();
    LineSplitter splitter = new LineSplitter();
    int at = 0;
    int have = 0;
    boolean skipping = false;
    while (have < text.length) {
      have = Math.min(text.length, have + 1 + random.nextInt(random.nextBoolean() ? 20 : 60_000));
      splitter.resume(skipping, true);
      at = splitter.split(text, at, have, lines, 0);
      skipping = splitter.skipping();
    }
    splitter.resume(skipping, true);
    splitter.last(text, at, text.length, lines, 0);
    return lines.list();
  }

  private static List<String> naive(byte[] text) {
    String all = new String(text, StandardCharsets.ISO_8859_1);
    List<String> lines = new ArrayList<>();
    int at = 0;
    while (at < all.length()) {
      while (at < all.length() && all.charAt(at) == 0) {
        at++;
      }
      int newline = all.indexOf('\n', at);
      String line = all.substring(at, newline < 0 ? all.length() : newline);
      if (newline >= 0 && line.endsWith("\r")) {
        line = line.substring(0, line.length() - 1);
      }
      if (newline >= 0 || !line.isEmpty()) {
        lines.add(line.substring(0, Math.min(MAX, line.length())));
      }
      at = newline < 0 ? all.length() : newline + 1;
    }
    return lines;
  }
}
