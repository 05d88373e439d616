package io.ipsentry.pattern;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PatternSetTest {
  private static final List<String> PROBES =
      List.of(
          "^/wp-admin",
          "^/wp-login\\.php",
          "^/xmlrpc\\.php",
          "^/\\.env",
          "^/\\.git/",
          "^/\\.aws/",
          "^/\\.ssh/",
          "^/phpmyadmin",
          "^/manager/html",
          "^/admin\\.php",
          "^/config\\.php",
          "^/setup\\.php",
          "^/shell\\.php",
          "^/eval\\.php",
          "^/boaform/");

  @Test
  void match_probes_theirNumbers() {
    PatternMatcher matcher = set(PROBES).matcher();
    assertThat(match(matcher, "/index.html")).isEmpty();
    assertThat(match(matcher, "/wp-login.php")).containsExactly(1);
    assertThat(match(matcher, "/.env")).containsExactly(3);
    assertThat(match(matcher, "/.git")).isEmpty();
    assertThat(match(matcher, "/.git/config")).containsExactly(4);
    assertThat(match(matcher, "/x/.env")).isEmpty();
    assertThat(match(matcher, "")).isEmpty();
  }

  @Test
  void match_severalPatterns_allOfThemAscending() {
    PatternMatcher matcher = set(List.of("b$", "^a", "x", "ab?", "a.b", "")).matcher();
    assertThat(match(matcher, "aab")).containsExactly(0, 1, 3, 4, 5);
    assertThat(match(matcher, "")).containsExactly(5);
  }

  @Test
  void match_noPatterns_nothing() {
    assertThat(match(set(List.of()).matcher(), "abc")).isEmpty();
  }

  @Test
  void match_nothing_isZero() {
    PatternMatcher matcher = set(PROBES).matcher();
    byte[] path = "/index.html".getBytes(UTF_8);
    assertThat(matcher.match(path, 0, path.length)).isZero();
  }

  @Test
  void match_partOfArray_isTheWholeText() {
    PatternMatcher matcher = set(List.of("^b$", "\\bb\\b", "a")).matcher();
    byte[] text = "abc".getBytes(UTF_8);
    assertThat(matcher.matched(matcher.match(text, 1, 2))).containsExactly(0, 1);
  }

  @Test
  void match_rangeOutsideArray_refused() {
    PatternMatcher matcher = set(PROBES).matcher();
    assertThatThrownBy(() -> matcher.match(new byte[3], 1, 4))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        // Expression, text, whether it matches; ~ stands for a space, ! for a line feed.
        "a{2} aa true",
        "^a{2}$ a false",
        "^a{2,}$ aaa true",
        "^a{,2}$ aaa false",
        "^a{,2}$ aa true",
        "^a{0,1}?$ a true",
        "^{\"a\":{b}$ {\"a\":{b} true",
        "x{} x{} true",
        "^\\x41\\u0042\\U00000043\\x{44}$ ABCD true",
        "^\\Qa.b*\\E+$ a.b*** true",
        "^\\Qa.b*\\E$ aXb* false",
        "^[[:alpha:]_]+$ a_B true",
        "^[[:^digit:]]$ 1 false",
        "^[]a]+$ a] true",
        "^[^]a]$ ] false",
        "^[a\\-z]+$ a-z true",
        "^[a-]+$ a-a true",
        "^[\\d-]+$ 1-1 true",
        "^[\\w.]+$ a.1 true",
        "^\\S+$ a~b false",
        "^\\D\\W\\S$ a.b true",
        "(?i)WP-Admin /wp-admin true",
        "(?i:A)b aB false",
        "(?i:A)b ab true",
        "a(?i)b|C c true",
        "(a(?i)b)c aBC false",
        "(?-i:a) A false",
        "(?m)^b$ a!b!c true",
        "^b$ a!b false",
        "b$ b! true",
        "b\\Z b! false",
        "b\\z b true",
        "b$ b!! false",
        "b$! b! true",
        "a.b a!b false",
        "(?s)a.b a!b true",
        "(?m)^$ a!! true",
        "^a~$ a~ true",
        "(?x)^a~b#c ab true",
        "(?x)^a[~]b$ a~b true",
        "a(?#~remark)b ab true",
        "\\bfoo\\b a~foo,b true",
        "\\bfoo\\b afoo false",
        "\\Boo foo true",
        "^(?P<x>a)(?<y_1>b)$ ab true",
        "^ä+$ ää true",
        "^[äö]$ ö true",
        "^[äö]$ Ã false",
        "^[^ä]$ ö true",
        "^[^ä]$ ä false",
        "(?i)Ä ä true",
        "^[à-ý]$ é true",
        "^[\\u0800-\\U0010ffff]$ € true",
        "^[\\u0800-\\U0010ffff]$ 😀 true",
        "^..$ ä true",
        "\\12 ! false",
      })
  void match_syntax_asInPython(String regex, String text, boolean expected) {
    if (regex.equals("\\12")) {
      assertThatThrownBy(() -> set(List.of(regex))).isInstanceOf(InvalidPatternException.class);
      return;
    }
    PatternMatcher matcher = set(List.of(plain(regex))).matcher();
    assertThat(match(matcher, plain(text)).length > 0).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        "a(?!b) ab false",
        "a(?!b) ac true",
        "a(?=b) ab true",
        "(?<=a)b ab true",
        "(?<!a)b ab false",
        "(?<=:|^)b b true",
        "^(a|b)\\1$ aa true",
        "^(a|b)\\1$ ab false",
        "(?i)^(a)\\1$ aA true",
        "(?P<q>['\"]).*?(?P=q) x'a' true",
        "(?P<q>['\"]).*?(?P=q) x'a\" false",
        "(?P<q>.)\\k<q> abb true",
        "(?>a+)ab aaab false",
        "a++b aab true",
        "a*+a aaa false",
        "^(\\()?a(?(1)\\))$ (a) true",
        "^(\\()?a(?(1)\\))$ a true",
        "^(\\()?a(?(1)\\))$ (a false",
        "^(?P<p>x)?(?(p)y|z)$ xy true",
        "^(?P<p>x)?(?(p)y|z)$ z true",
        "^(?:(?!~from~).)*~from~x a~from~x true",
        "^(?=.*a)(?=.*b)..$ ba true",
        "^(?=.*a)(?=.*b)..$ aa false",
        "(?!.*(.)\\1)^...$ abc true",
        "(?!.*(.)\\1)^...$ abb false",
      })
  void match_beyondAutomata_confirmed(String regex, String text, boolean expected) {
    PatternSet set = set(List.of(plain(regex), "."));
    assertThat(set.backtracking().stream()).containsExactly(0);
    PatternMatcher matcher = set.matcher();
    assertThat(match(matcher, plain(text))).isEqualTo(expected ? new int[] {0, 1} : new int[] {1});
    assertThat(matcher.overBudget()).isZero();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ' ',
      value = {
        "a(b 1",
        "a)b 1",
        "*a 0",
        "a** 2",
        "[a 0",
        "[z-a] 1",
        "a{3,2} 1",
        "a{1001} 1",
        "\\ 0",
        "\\y 0",
        "\\pL 0",
        "(?P<a>x)(?P<a>y) 8",
        "(?P=n) 0",
        "(?P<1>x) 4",
        "\\2(a) 0",
        "(?<=a*)b 0",
        "(?z)a 0",
        "\\xg1 0",
        "^* 0",
        "[\\d-z] 1",
        "[[:nope:]] 1",
        "(?(1)a|b|c) 8",
        "((((a{100}){100}){100})) 0",
        "(?:){1000}(?:(?:(?:){1000}){1000}){1000} 0",
      })
  void compile_wrong_saysWhere(String regex, int position) {
    assertThatThrownBy(() -> set(List.of("a", regex)))
        .isInstanceOfSatisfying(
            InvalidPatternException.class,
            e -> {
              assertThat(e.pattern()).isEqualTo(regex);
              assertThat(e.position()).as(e.getMessage()).isEqualTo(position);
              assertThat(e.reason()).isNotEmpty();
              assertThat(e.remedy()).isNotEmpty();
              assertThat(e).hasMessageContaining(e.reason()).hasMessageContaining(e.remedy());
            });
  }

  @Test
  void compile_deepNesting_refusedBelowTheStack() {
    String deep = "(".repeat(100_000);
    assertThatThrownBy(() -> set(List.of(deep))).isInstanceOf(InvalidPatternException.class);
    String allowed =
        "(".repeat(RegexParser.MAX_NESTING) + "a" + ")".repeat(RegexParser.MAX_NESTING);
    assertThat(match(set(List.of(allowed)).matcher(), "a")).containsExactly(0);
  }

  @Test
  void match_ignoreCaseOption_onlyThatPattern() {
    PatternSet set =
        PatternSet.compile(
            List.of(new PatternSource("^/Admin", true), PatternSource.of("^/Admin")));
    assertThat(match(set.matcher(), "/aDMIN")).containsExactly(0);
    assertThat(match(set.matcher(), "/Admin")).containsExactly(0, 1);
  }

  static PatternSet set(List<String> regexes) {
    return PatternSet.compile(regexes.stream().map(PatternSource::of).toList());
  }

  static int[] match(PatternMatcher matcher, String text) {
    byte[] bytes = text.getBytes(UTF_8);
    return matcher.matched(matcher.match(bytes, 0, bytes.length));
  }

  private static String plain(String text) {
    return text.replace('~', ' ').replaceAll("!(?![.]\\*|~|.\\))", "\n").replace("(?\n", "(?!");
  }
}
