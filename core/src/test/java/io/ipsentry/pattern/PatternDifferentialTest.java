package io.ipsentry.pattern;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random expressions over random texts, compared with {@code java.util.regex}. */
final class PatternDifferentialTest {
  private static final int SETS = 800;
  private static final int TEXTS = 40;

  @ParameterizedTest
  @ValueSource(longs = {1, 20261121})
  void match_randomSets_asJava(long seed) {
    compareSets(seed, false);
  }

  @ParameterizedTest
  @ValueSource(longs = {2, 20261122})
  void match_randomSetsBeyondAutomata_asJava(long seed) {
    compareSets(seed, true);
  }

  private static void compareSets(long seed, boolean beyondAutomata) {
    Random random = new Random(seed);
    RandomRegex generator = new RandomRegex(random, beyondAutomata);
    int answers = 0;
    int matches = 0;
    for (int round = 0; round < SETS; round++) {
      List<String> regexes = new ArrayList<>();
      int count = 1 + random.nextInt(6);
      for (int i = 0; i < count; i++) {
        regexes.add(generator.regex());
      }
      List<Function<byte[], @Nullable Boolean>> models =
          regexes.stream().map(PatternDifferentialTest::model).toList();
      // A cache of a few states shows what emptying it forgets.
      PatternSet set = PatternSetTest.set(regexes);
      PatternMatcher matcher = new PatternMatcher(set, random.nextInt(3) == 0 ? 2_000 : 1 << 20);
      for (int i = 0; i < TEXTS; i++) {
        byte[] text = generator.text();
        int[] found = matcher.matched(matcher.match(text, 0, text.length));
        for (int number = 0; number < count; number++) {
          Boolean expected = models.get(number).apply(text);
          if (expected != null) {
            assertThat(contains(found, number))
                .as(describe(seed, regexes.get(number), text))
                .isEqualTo(expected);
            answers++;
            matches += expected ? 1 : 0;
          }
        }
      }
      assertThat(matcher.overBudget()).isZero();
    }
    assertThat(answers).isGreaterThan(50_000);
    assertThat(matches).isBetween(answers / 10, answers * 9 / 10);
  }

  /** Compared with RE2/J: java.util.regex leaves groups set that an abandoned attempt has set. */
  @ParameterizedTest
  @ValueSource(longs = {3, 20261123})
  void find_randomExpressions_groupsAsRe2j(long seed) {
    Random random = new Random(seed);
    RandomRegex generator = new RandomRegex(random, false);
    int compared = 0;
    for (int round = 0; round < 4 * SETS; round++) {
      String regex = generator.regex();
      Regex parsed = RegexParser.parse(PatternSource.of(regex));
      // What a group in a loop holds after an iteration that took nothing differs between engines.
      boolean groups = !repeatsNothing(parsed.root());
      com.google.re2j.Pattern model = com.google.re2j.Pattern.compile(regex);
      CaptureMatcher matcher = CapturingPattern.compile(PatternSource.of(regex)).matcher();
      for (int i = 0; i < TEXTS / 4; i++) {
        byte[] text = generator.text();
        if (text.length > 0 && text[text.length - 1] == '\n') {
          // For RE2/J a dollar does not hold before a final line feed.
          text[text.length - 1] = 'a';
        }
        com.google.re2j.Matcher expected = model.matcher(new String(text, ISO_8859_1));
        boolean found = expected.find();
        assertThat(matcher.find(text, 0, text.length))
            .as(describe(seed, regex, text))
            .isEqualTo(found);
        for (int group = 0; found && groups && group <= expected.groupCount(); group++) {
          assertThat(new int[] {matcher.start(group), matcher.end(group)})
              .as(describe(seed, regex, text) + ", group " + group)
              .containsExactly(expected.start(group), expected.end(group));
          compared++;
        }
      }
    }
    assertThat(compared).isGreaterThan(10_000);
  }

  @Test
  void print_tree_sameLanguage() {
    // The fuzzer trusts the printer; here it is held against what was written.
    Random random = new Random(4);
    RandomRegex generator = new RandomRegex(random, true);
    for (int round = 0; round < SETS; round++) {
      String regex = generator.regex();
      Node root = RegexParser.parse(PatternSource.of(regex)).root();
      if (root.remembers()) {
        continue;
      }
      Pattern written = javaPattern(regex);
      Pattern printed = javaPattern(JavaRegex.print(root));
      if (written == null || printed == null) {
        continue;
      }
      for (int i = 0; i < TEXTS / 4; i++) {
        byte[] text = generator.text();
        int[] expected = JavaRegex.find(written, text);
        int[] actual = JavaRegex.find(printed, text);
        if (expected != null && actual != null) {
          assertThat(actual.length > 0).as(describe(4, regex, text)).isEqualTo(expected.length > 0);
        }
      }
    }
  }

  /**
   * Tells whether an expression matches. Where groups are asked for it is not java.util.regex,
   * which leaves groups set that an abandoned attempt has set, and has no conditionals.
   */
  private static Function<byte[], @Nullable Boolean> model(String regex) {
    Regex parsed = RegexParser.parse(PatternSource.of(regex));
    if (parsed.root().remembers()) {
      return text -> NaiveMatcher.find(parsed, text);
    }
    Pattern pattern = javaPattern(regex);
    return text -> {
      int[] found = pattern == null ? null : JavaRegex.find(pattern, text);
      return found == null ? null : found.length > 0;
    };
  }

  /** Null where Java cannot tell how long a look-behind is. */
  private static @Nullable Pattern javaPattern(String regex) {
    try {
      return Pattern.compile(regex, Pattern.UNIX_LINES);
    } catch (PatternSyntaxException e) {
      assertThat(e).hasMessageContaining("Look-behind group");
      return null;
    }
  }

  private static boolean repeatsNothing(Node node) {
    return switch (node) {
      case Node.Repeat repeat -> repeat.body().minLength() == 0 || repeatsNothing(repeat.body());
      case Node.Sequence(var parts) ->
          parts.stream().anyMatch(PatternDifferentialTest::repeatsNothing);
      case Node.Choice(var options) ->
          options.stream().anyMatch(PatternDifferentialTest::repeatsNothing);
      case Node.Group(var body, _) -> repeatsNothing(body);
      case Node.Atomic(var body) -> repeatsNothing(body);
      case Node.Look look -> repeatsNothing(look.body());
      case Node.Conditional(_, var yes, var no) -> repeatsNothing(yes) || repeatsNothing(no);
      case Node.Empty _, Node.Bytes _, Node.BackReference _, Node.Assertion _ -> false;
    };
  }

  private static String describe(long seed, String regex, byte[] text) {
    String shown = new String(text, ISO_8859_1).replace("\n", "\\n");
    return "seed " + seed + ", \"" + regex + "\" in \"" + shown + "\"";
  }

  private static boolean contains(int[] numbers, int number) {
    for (int candidate : numbers) {
      if (candidate == number) {
        return true;
      }
    }
    return false;
  }
}
