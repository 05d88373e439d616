package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class NearestTest {
  @ParameterizedTest
  @CsvSource({
    "'', '', 0",
    "a, '', 1",
    "abc, abc, 0",
    "abc, acb, 1",
    "abc, ab, 1",
    "abc, xbc, 1",
    "ca, abc, 3",
    "treshold, threshold, 1",
    "flie, file, 1"
  })
  void distance_twoWords_isTheNumberOfEdits(String a, String b, int distance) {
    assertThat(Nearest.distance(a, b)).isEqualTo(distance);
    assertThat(Nearest.distance(b, a)).isEqualTo(distance);
  }

  @Test
  void distance_afterRandomEdits_isAtMostTheirNumber() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int i = 0; i < 1_000; i++) {
      StringBuilder word = new StringBuilder("maxNewBansPerMinute");
      int edits = random.nextInt(4);
      for (int j = 0; j < edits; j++) {
        int at = random.nextInt(word.length() - 1);
        switch (random.nextInt(3)) {
          case 0 -> word.deleteCharAt(at);
          case 1 -> word.insert(at, (char) ('a' + random.nextInt(26)));
          default -> word.setCharAt(at, (char) ('a' + random.nextInt(26)));
        }
      }
      assertThat(Nearest.distance("maxNewBansPerMinute", word.toString()))
          .as("seed %d", seed)
          .isLessThanOrEqualTo(edits);
    }
  }

  @Test
  void of_oneEditInAKnownWord_findsTheWord() {
    for (Keys keys : Keys.values()) {
      for (String name : keys.names()) {
        if (name.length() > 4) {
          IntStream.range(0, name.length())
              .mapToObj(i -> new StringBuilder(name).deleteCharAt(i).toString())
              // Another key may be as near: filer is one edit from file and from filter.
              .forEach(word ->
                  assertThat(Nearest.of(word, keys.names()))
                      .hasValueSatisfying(
                          found -> assertThat(Nearest.distance(word, found)).isEqualTo(1)));
        }
      }
    }
  }

  @Test
  void of_nothingNear_isEmpty() {
    assertThat(Nearest.of("colour", List.of("file", "name"))).isEmpty();
    assertThat(Nearest.of("x".repeat(100_000), List.of("x".repeat(100_000)))).isEmpty();
    assertThat(Nearest.of("file", List.of())).isEmpty();
  }

  @Test
  void of_otherCase_isFound() {
    assertThat(Nearest.of("NEVERBAN", List.of("allow", "neverBan"))).contains("neverBan");
  }
}
