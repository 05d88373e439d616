package io.ipsentry.pattern;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/** Any text as an expression: refused with a reason, or it finds what java.util.regex finds. */
final class PatternFuzzer {
  private static final int MAX_REGEX = 60;
  private static final int MAX_TREE = 400;

  /** The input is an expression in UTF-8, a line feed, and the text in which it is searched. */
  @FuzzTest(maxDuration = "1m")
  void match_anyExpression_asJava(byte[] input) {
    int end = 0;
    while (end < Math.min(input.length, MAX_REGEX) && input[end] != '\n') {
      end++;
    }
    PatternSource source = PatternSource.of(new String(input, 0, end, UTF_8));
    byte[] text = Arrays.copyOfRange(input, Math.min(end + 1, input.length), input.length);
    Regex regex;
    PatternSet set;
    try {
      regex = RegexParser.parse(source);
      set = PatternSet.compile(List.of(source, PatternSource.of("^")));
    } catch (InvalidPatternException e) {
      assertThat(e.position()).isBetween(0, source.regex().length());
      assertThat(e.reason()).isNotEmpty();
      return;
    }
    PatternMatcher matcher = set.matcher();
    boolean found = matcher.matched(matcher.match(text, 0, text.length)).length == 2;
    CaptureMatcher capturing = CapturingPattern.compile(source).matcher();
    boolean captured = capturing.find(text, 0, text.length);
    if (matcher.overBudget() + capturing.overBudget() > 0) {
      return;
    }
    assertThat(captured).isEqualTo(found);
    if (captured) {
      assertThat(capturing.start(0)).isBetween(0, capturing.end(0));
      assertThat(capturing.end(0)).isLessThanOrEqualTo(text.length);
    }
    Pattern model = regex.root().remembers() ? null : model(regex);
    int[] expected = model == null ? null : JavaRegex.find(model, text);
    if (expected != null) {
      assertThat(found).as(new String(text, ISO_8859_1)).isEqualTo(expected.length > 0);
    }
  }

  @FuzzTest(maxDuration = "1m")
  void normalize_anyTarget_normal(byte[] target) {
    PathNormalizerTest.assertNormal(new String(target, ISO_8859_1), "fuzzed");
  }

  /** Null where Java refuses: it cannot tell how long a look-behind is, or the tree is large. */
  private static @Nullable Pattern model(Regex regex) {
    String printed = JavaRegex.print(regex.root());
    if (printed.length() > MAX_TREE * 256) {
      return null;
    }
    try {
      return Pattern.compile(printed);
    } catch (PatternSyntaxException _) {
      return null;
    }
  }
}
