package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class SeenLinesTest {
  private static long hash(String line) {
    byte[] b = line.getBytes(StandardCharsets.UTF_8);
    return SeenLines.hash(b, 0, b.length);
  }

  @Test
  void take_twins_areCountedOffAsOftenAsTheyWereThere() {
    SeenLines seen = new SeenLines();
    seen.add(100, hash("a"));
    seen.add(100, hash("twin"));
    seen.add(101, hash("twin"));
    seen.add(101, hash("twin"));

    assertThat(seen.since()).isEqualTo(100);
    SeenLines.Repeats repeats = seen.repeats(seen.since());
    assertThat(repeats.lastCame()).isFalse();
    assertThat(repeats.take(100, hash("a"))).isTrue();
    assertThat(repeats.take(100, hash("a"))).isFalse();
    assertThat(repeats.take(100, hash("twin"))).isTrue();
    assertThat(repeats.take(101, hash("twin"))).isTrue();
    assertThat(repeats.lastCame()).isTrue();
    assertThat(repeats.take(101, hash("twin"))).isTrue();
    assertThat(repeats.take(101, hash("twin"))).isFalse();
    assertThat(repeats.take(99, hash("earlier than asked for"))).isTrue();
    assertThat(repeats.isOver(102)).isFalse();
    assertThat(repeats.isOver(103)).isTrue();
  }

  @Test
  void take_fileThatWasRotated_saysThatTheLastLineDidNotCome() {
    SeenLines seen = new SeenLines();
    seen.add(100, hash("a"));
    SeenLines.Repeats repeats = seen.repeats(seen.since());
    assertThat(repeats.take(100, hash("b"))).isFalse();
    assertThat(repeats.lastCame()).isFalse();
  }

  @Test
  void take_fullerSecondThanIsRemembered_takesNothingTwice() {
    SeenLines seen = new SeenLines();
    for (int i = 0; i <= SeenLines.MAX_PER_SECOND; i++) {
      seen.add(7, i * 31L + 1);
    }
    SeenLines.Repeats repeats = seen.repeats(seen.since());
    assertThat(repeats.take(7, -5)).isTrue();
    assertThat(repeats.take(8, -5)).isFalse();
    assertThat(repeats.lastCame()).isTrue();
  }

  @Test
  void repeats_randomLogs_areThoseOfAModel() throws IOException {
    for (long seed = 1; seed <= 200; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      SeenLines seen = new SeenLines();
      List<String> file = new ArrayList<>();
      List<Long> seconds = new ArrayList<>();
      long second = 1_000;
      int delivered = 0;
      for (int round = 0; round < 5; round++) {
        for (int i = random.nextInt(40); i > 0; i--) {
          second += random.nextInt(6) == 0 ? random.nextInt(3) : 0;
          // The other stream is stamped a little earlier.
          seconds.add(random.nextInt(10) == 0 ? second - 1 : second);
          file.add("line " + random.nextInt(4));
        }
        long from = seen.isEmpty() ? 0 : seen.since();
        SeenLines.Repeats repeats = seen.repeats(from);
        int end = delivered + random.nextInt(file.size() - delivered + 1);
        int taken = 0;
        for (int i = 0; i < end; i++) {
          if (seconds.get(i) >= from) {
            boolean repeated = repeats.take(seconds.get(i), hash(seconds.get(i) + file.get(i)));
            assertThat(repeated).as("seed %d, line %d", seed, i).isEqualTo(i < delivered);
            if (!repeated) {
              seen.add(seconds.get(i), hash(seconds.get(i) + file.get(i)));
              taken++;
            }
          } else {
            assertThat(i).as("seed %d: lost", seed).isLessThan(delivered);
          }
        }
        assertThat(taken).as("seed %d", seed).isEqualTo(end - delivered);
        delivered = end;
        seen = stored(seen);
      }
    }
  }

  /** What a process finds that takes up where another stopped. */
  private static SeenLines stored(SeenLines seen) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    JsonFactory factory = new JsonFactory();
    try (JsonGenerator json = factory.createGenerator(out)) {
      json.writeStartObject();
      seen.write(json);
      json.writeEndObject();
    }
    SeenLines restored = new SeenLines();
    try (var json = factory.createParser(out.toByteArray())) {
      long newest = 0;
      long last = 0;
      byte[] lines = {};
      byte[] before = {};
      json.nextToken();
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String name = json.currentName();
        json.nextToken();
        switch (name) {
          case "newest" -> newest = json.getLongValue();
          case "last" -> last = json.getLongValue();
          case "lines" -> lines = json.getBinaryValue();
          default -> before = json.getBinaryValue();
        }
      }
      assertThat(restored.restore(newest, last, lines, before)).isTrue();
      assertThat(new SeenLines().restore(newest, last, new byte[3], before)).isFalse();
    }
    return restored;
  }
}
