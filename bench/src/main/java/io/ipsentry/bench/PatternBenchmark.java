package io.ipsentry.bench;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.ipsentry.pattern.CaptureMatcher;
import io.ipsentry.pattern.CapturingPattern;
import io.ipsentry.pattern.PathNormalizer;
import io.ipsentry.pattern.PatternMatcher;
import io.ipsentry.pattern.PatternSet;
import io.ipsentry.pattern.PatternSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Nanoseconds for one request target: the fifteen patterns of the pack {@code default} as one set,
 * and one after the other on other engines; the same patterns without their anchors; a target
 * brought into normal form; and the groups of a combined line.
 *
 * <p>Targets are made from a fixed seed, 5 to 70 bytes, one in fifty a probe, one in five with a
 * query. Other engines get strings made beforehand, which flatters them. Run with {@code -prof gc}
 * for allocated bytes: see {@code bench/README.md}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "-XX:+UseSerialGC")
@State(Scope.Thread)
public class PatternBenchmark {
  private static final int TARGETS = 4096;

  private static final List<String> PATTERNS =
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

  private static final String[] PROBES = {
    "/wp-login.php", "/.env", "/.git/config", "/boaform/admin/formLogin", "/phpmyadmin/index.php"
  };

  private static final String[] WORDS = {
    "api",
    "v1",
    "users",
    "static",
    "js",
    "css",
    "img",
    "index",
    "products",
    "search",
    "account",
    "assets",
    "app",
    "main",
    "news",
    "2026",
    "wp-content",
    "themes",
    "blog",
    "manage"
  };

  private static final String COMBINED =
      "^(\\S+) \\S+ \\S+ \\[.+?\\] \"(?:[A-Z]+) (\\S+) \\S+\" \\d+";

  private final byte[][] targets = new byte[TARGETS][];
  private final String[] strings = new String[TARGETS];
  private final byte[][] lines = new byte[TARGETS][];
  private final String[] lineStrings = new String[TARGETS];
  private final PatternMatcher anchored = matcher(PATTERNS);
  private final PatternMatcher searched =
      matcher(PATTERNS.stream().map(p -> p.substring(1)).toList());
  private final PathNormalizer normalizer = new PathNormalizer();
  private final CaptureMatcher combined =
      CapturingPattern.compile(PatternSource.of(COMBINED)).matcher();
  private final Pattern javaCombined = Pattern.compile(COMBINED);
  private final com.google.re2j.Pattern re2jCombined = com.google.re2j.Pattern.compile(COMBINED);
  private List<Pattern> java = List.of();
  private List<com.google.re2j.Pattern> re2j = List.of();
  private com.google.re2j.Pattern re2jOne = com.google.re2j.Pattern.compile("");

  private static PatternMatcher matcher(List<String> regexes) {
    return PatternSet.compile(regexes.stream().map(PatternSource::of).toList()).matcher();
  }

  /** Makes targets and lines. */
  @Setup
  public void makeTargets() {
    Random random = new Random(42);
    for (int i = 0; i < TARGETS; i++) {
      strings[i] = target(random);
      targets[i] = strings[i].getBytes(ISO_8859_1);
      lineStrings[i] =
          "203.0.113."
              + random.nextInt(256)
              + " - - [21/Nov/2026:09:07:31 +0000] \"GET "
              + strings[i]
              + " HTTP/1.1\" 200 "
              + random.nextInt(100_000)
              + " \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101\"";
      lines[i] = lineStrings[i].getBytes(ISO_8859_1);
    }
    java = PATTERNS.stream().map(Pattern::compile).toList();
    re2j = PATTERNS.stream().map(com.google.re2j.Pattern::compile).toList();
    re2jOne = com.google.re2j.Pattern.compile(String.join("|", PATTERNS));
  }

  private static String target(Random random) {
    if (random.nextInt(50) == 0) {
      return PROBES[random.nextInt(PROBES.length)];
    }
    List<String> words = new ArrayList<>();
    int count = 1 + random.nextInt(6);
    for (int i = 0; i < count; i++) {
      words.add(WORDS[random.nextInt(WORDS.length)]);
    }
    String query = random.nextInt(5) == 0 ? "?id=" + random.nextInt(100_000) : "";
    return "/" + String.join("/", words) + query;
  }

  /** The set, all patterns anchored at the start. */
  @Benchmark
  @OperationsPerInvocation(TARGETS)
  public int patternSet() {
    int sum = 0;
    for (byte[] target : targets) {
      sum += anchored.match(target, 0, target.length);
    }
    return sum;
  }

  /** The set, no pattern anchored: every byte is looked at. */
  @Benchmark
  @OperationsPerInvocation(TARGETS)
  public int patternSetUnanchored() {
    int sum = 0;
    for (byte[] target : targets) {
      sum += searched.match(target, 0, target.length);
    }
    return sum;
  }

  /** Normal form where needed, as a rule judges a target. */
  @Benchmark
  @OperationsPerInvocation(TARGETS)
  public int normalize() {
    int sum = 0;
    for (byte[] target : targets) {
      if (PathNormalizer.needsNormalizing(target, 0, target.length)) {
        sum += normalizer.normalize(target, 0, target.length);
      }
    }
    return sum;
  }

  /** {@code java.util.regex}, pattern by pattern. */
  @Benchmark
  @OperationsPerInvocation(TARGETS)
  public int javaUtilRegex() {
    int sum = 0;
    for (String target : strings) {
      for (Pattern pattern : java) {
        sum += pattern.matcher(target).find() ? 1 : 0;
      }
    }
    return sum;
  }

  /** RE2/J, pattern by pattern. */
  @Benchmark
  @OperationsPerInvocation(TARGETS)
  public int re2j() {
    int sum = 0;
    for (String target : strings) {
      for (com.google.re2j.Pattern pattern : re2j) {
        sum += pattern.matcher(target).find() ? 1 : 0;
      }
    }
    return sum;
  }

  /** RE2/J, all patterns as one alternation: tells only that one matches. */
  @Benchmark
  @OperationsPerInvocation(TARGETS)
  public int re2jAlternation() {
    int sum = 0;
    for (String target : strings) {
      sum += re2jOne.matcher(target).find() ? 1 : 0;
    }
    return sum;
  }

  /** Groups of the original's {@code logRegex}. */
  @Benchmark
  @OperationsPerInvocation(TARGETS)
  public int captureCombined() {
    int sum = 0;
    for (byte[] line : lines) {
      sum += combined.find(line, 0, line.length) ? combined.end(2) - combined.start(1) : 0;
    }
    return sum;
  }

  /** The same on {@code java.util.regex}. */
  @Benchmark
  @OperationsPerInvocation(TARGETS)
  public int captureCombinedJavaUtilRegex() {
    int sum = 0;
    for (String line : lineStrings) {
      java.util.regex.Matcher matcher = javaCombined.matcher(line);
      sum += matcher.find() ? matcher.end(2) - matcher.start(1) : 0;
    }
    return sum;
  }

  /** The same on RE2/J. */
  @Benchmark
  @OperationsPerInvocation(TARGETS)
  public int captureCombinedRe2j() {
    int sum = 0;
    for (String line : lineStrings) {
      com.google.re2j.Matcher matcher = re2jCombined.matcher(line);
      sum += matcher.find() ? matcher.end(2) - matcher.start(1) : 0;
    }
    return sum;
  }
}
