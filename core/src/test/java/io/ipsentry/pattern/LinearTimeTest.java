package io.ipsentry.pattern;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps are counted, not time: expressions that ruin backtracking engines take linear work. */
final class LinearTimeTest {
  private static final int LENGTH = 16 * 1024;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a+)+$",
        "(a|aa)*b",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(.*)*x(.*)*y",
        "(a*)*(a*)*c",
        "a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?b",
        "(a|b|ab)*c",
        "(?:a{0,50}){0,50}b",
        "(.*a){12}z",
        "((((a*)*)*)*)*b",
        "^(?:.*?,){11}P",
      })
  void match_catastrophicForBacktracking_linearSteps(String regex) {
    PatternMatcher matcher = PatternSetTest.set(List.of(regex)).matcher();
    int size = matcher.set().automaton.size();
    for (String text : texts()) {
      byte[] bytes = text.getBytes(ISO_8859_1);
      long before = matcher.steps();
      matcher.match(bytes, 0, bytes.length);
      assertThat(matcher.steps() - before)
          .as(regex + " in " + text.substring(0, 4) + "…")
          .isLessThanOrEqualTo(4L * size * (bytes.length + 2));
    }
    assertThat(matcher.overBudget()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(a+)+$",
        "(a|aa)*b",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(.*)*x(.*)*y",
        "a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?b",
        "(a|b|ab)*c",
        "(.*a){12}z",
        "((((a*)*)*)*)*b",
      })
  void find_catastrophicForBacktracking_linearSteps(String regex) {
    ExactPattern exact = new ExactPattern(RegexParser.parse(PatternSource.of(regex)));
    Backtracker backtracker = new Backtracker(exact, PatternMatcher.STEP_BUDGET);
    for (String text : texts()) {
      byte[] bytes = text.getBytes(ISO_8859_1);
      backtracker.find(bytes, 0, bytes.length);
      assertThat(backtracker.ranOut()).isFalse();
      assertThat(backtracker.steps())
          .as(regex + " in " + text.substring(0, 4) + "…")
          .isLessThanOrEqualTo(4L * exact.program.size() * (bytes.length + 2));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"^(a+)+(?!x)$", "(a*)*\\1b", "(?=(a+)+$)(?=.*b)a", "(?:(a|aa)+)+(?<=c)c"})
  void match_beyondAutomata_stopsAtTheBudget(String regex) {
    PatternSet set = PatternSetTest.set(List.of(regex));
    PatternMatcher matcher = set.matcher();
    byte[] bytes = ("a".repeat(LENGTH) + "bc!").getBytes(ISO_8859_1);
    Backtracker backtracker = new Backtracker(set.exact[0], PatternMatcher.STEP_BUDGET);
    matcher.match(bytes, 0, bytes.length);
    backtracker.find(bytes, 0, bytes.length);
    // A comparison with a group counts its length at once.
    assertThat(backtracker.steps()).isLessThanOrEqualTo(PatternMatcher.STEP_BUDGET + LENGTH + 1L);
  }

  @Test
  void match_budgetUsedUp_countedAndNoMatch() {
    PatternMatcher matcher = PatternSetTest.set(List.of("(a+)+\\1b", "b")).matcher();
    byte[] bytes = ("a".repeat(200) + "cb").getBytes(ISO_8859_1);
    assertThat(matcher.matched(matcher.match(bytes, 0, bytes.length))).containsExactly(1);
    assertThat(matcher.overBudget()).isEqualTo(1);
  }

  @Test
  void find_longLine_doesNotOverflowTheStack() {
    CaptureMatcher matcher = CapturingPattern.compile(PatternSource.of("^(a|b)*(x)")).matcher();
    byte[] bytes = ("ab".repeat(500_000) + "x").getBytes(ISO_8859_1);
    assertThat(matcher.find(bytes, 0, bytes.length)).isTrue();
    assertThat(matcher.start(2)).isEqualTo(1_000_000);
  }

  @Test
  void match_moreStatesThanTheCacheHolds_rightAndLinear() {
    // Whether the 16th byte from the end is an a: 2^16 states.
    PatternSet set = PatternSetTest.set(List.of("a.{15}$", "b.{14}$", "^x"));
    PatternMatcher matcher = new PatternMatcher(set, 64 << 10);
    Random random = new Random(5);
    long bytes = 0;
    for (int round = 0; round < 300; round++) {
      byte[] text = new byte[500];
      for (int i = 0; i < text.length; i++) {
        text[i] = (byte) (random.nextBoolean() ? 'a' : 'b');
      }
      List<Integer> expected = new ArrayList<>();
      if (text[484] == 'a') {
        expected.add(0);
      }
      if (text[485] == 'b') {
        expected.add(1);
      }
      int[] found = matcher.matched(matcher.match(text, 0, text.length));
      assertThat(found).as("seed 5, round " + round).isEqualTo(toArray(expected));
      bytes += text.length;
    }
    assertThat(matcher.uncachedBytes()).isPositive();
    assertThat(matcher.steps()).isLessThanOrEqualTo(4L * set.automaton.size() * bytes);
    assertThat(matcher.states()).isLessThan(1000);
  }

  @Test
  void match_cacheFullNowAndThen_emptiedAndRight() {
    PatternSet set = PatternSetTest.set(List.of("a.{9}$", "^-"));
    PatternMatcher matcher = new PatternMatcher(set, 20_000);
    Random random = new Random(6);
    for (int round = 0; round < 200; round++) {
      StringBuilder text = new StringBuilder("-".repeat(2_000));
      for (int i = 0; i < 40; i++) {
        text.append(random.nextBoolean() ? 'a' : 'b');
      }
      boolean found = text.charAt(text.length() - 10) == 'a';
      assertThat(PatternSetTest.match(matcher, text.toString()))
          .as("seed 6, round " + round)
          .isEqualTo(found ? new int[] {0, 1} : new int[] {1});
    }
    assertThat(matcher.cacheFlushes()).isPositive();
  }

  @Test
  void match_thousandsOfUnanchoredPatterns_fewStepsAByte() {
    Random random = new Random(7);
    List<String> regexes = new ArrayList<>();
    for (int i = 0; i < 5_000; i++) {
      regexes.add("/" + word(random) + "/" + word(random) + "\\.php");
    }
    PatternMatcher matcher = PatternSetTest.set(regexes).matcher();
    long bytes = 0;
    for (int i = 0; i < 2_000; i++) {
      String hidden = i % 10 == 0 ? regexes.get(i).replace("\\", "") : "";
      String text = "/" + word(random) + "/" + word(random) + hidden + "?" + word(random);
      assertThat(PatternSetTest.match(matcher, text))
          .as("seed 7, " + text)
          .isEqualTo(i % 10 == 0 ? new int[] {i} : new int[0]);
      bytes += text.length();
    }
    // Only a slash asks all patterns. If states held what can begin everywhere, it would be 5,000.
    assertThat(matcher.steps()).isLessThan(500 * bytes);
  }

  private static String word(Random random) {
    StringBuilder word = new StringBuilder();
    for (int i = 0; i < 5; i++) {
      word.append((char) ('a' + random.nextInt(26)));
    }
    return word.toString();
  }

  @Test
  void match_manyDifferentSetsOfMatches_bounded() {
    List<String> regexes = new ArrayList<>();
    for (char c = 'a'; c <= 'p'; c++) {
      regexes.add(String.valueOf(c));
    }
    PatternMatcher matcher = PatternSetTest.set(regexes).matcher();
    for (int bits = 0; bits < 1 << 16; bits += 3) {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 16; i++) {
        if ((bits >>> i & 1) != 0) {
          text.append((char) ('a' + i));
        }
      }
      assertThat(PatternSetTest.match(matcher, text.toString())).hasSize(Integer.bitCount(bits));
    }
    assertThat(matcher.cacheFlushes()).isPositive();
  }

  private static List<String> texts() {
    return List.of(
        "a".repeat(LENGTH) + "!",
        "ab".repeat(LENGTH / 2),
        "abcdefgh,".repeat(LENGTH / 9),
        "a ".repeat(LENGTH / 2) + "x");
  }

  private static int[] toArray(List<Integer> numbers) {
    return numbers.stream().mapToInt(Integer::intValue).toArray();
  }
}
