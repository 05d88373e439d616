package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.Pack.Kind;
import io.ipsentry.config.Pack.Level;
import io.ipsentry.rule.RuleMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each entry of each shipped pack says what it is, and is alive. */
final class PackEntriesTest {
  private static final int[] STATUSES = {404, 403, 401, 400, 200, 302, 500};

  static List<String> names() {
    return Packs.names();
  }

  private static Pack pack(String name) {
    return Packs.find(name).orElseThrow();
  }

  private static int counting(Pack.Pattern entry) {
    return IntStream.of(STATUSES)
        .filter(status -> entry.status() == null || entry.status().contains(status))
        .findFirst()
        .orElseThrow();
  }

  /** The expression that the engine says is hit first; empty when none is. */
  private static String hit(RuleMatcher matcher, Pack pack, String example, int status) {
    boolean path = pack.kind() == Kind.PATHS;
    List<String> hits =
        PackRules.hits(matcher, PackRules.facts(path ? example : "/", path ? "" : example, status));
    return hits.isEmpty() ? "" : hits.getFirst();
  }

  @ParameterizedTest
  @MethodSource("names")
  void entry_example_isAHitOfThatEntry(String name) {
    Pack pack = pack(name);
    RuleMatcher matcher = PackRules.matcher(List.of(name));
    List<String> wrong = new ArrayList<>();

    for (Pack.Pattern entry : pack.patterns()) {
      String hit = hit(matcher, pack, entry.about().example(), counting(entry));
      if (!hit.equals(entry.regex())) {
        wrong.add(entry.about().example() + " hits " + hit + ", not " + entry.regex());
      }
    }

    assertThat(wrong).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("names")
  void entry_withStatuses_countsWithThoseOnly(String name) {
    Pack pack = pack(name);
    RuleMatcher matcher = PackRules.matcher(List.of(name));

    for (Pack.Pattern entry : pack.patterns()) {
      for (int status : STATUSES) {
        if (entry.status() != null && !entry.status().contains(status)) {
          assertThat(hit(matcher, pack, entry.about().example(), status))
              .as("%s with %d", entry.about().example(), status)
              .isNotEqualTo(entry.regex());
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void pack_hasWhatARuleTakesFromIt(String name) {
    Pack pack = pack(name);

    assertThat(pack.severity()).isNotNull();
    assertThat(pack.defaults().threshold()).isPositive();
    for (Pack.Pattern entry : pack.patterns()) {
      Pack.About about = entry.about();
      assertThat(about.note()).as(entry.regex()).isNotEmpty();
      assertThat(about.source()).as(entry.regex()).isNotEmpty();
      assertThat(about.since()).as(entry.regex()).matches("[12][0-9]{3}(-[0-9]{2}){0,2}");
      assertThat(about.falsePositives()).as(entry.regex()).isNotNull().isNotEqualTo(Level.HIGH);
    }
  }

  @Test
  void packs_together_haveSeveralHundredEntries() {
    assertThat(Packs.names().stream().mapToInt(name -> pack(name).patterns().size()).sum())
        .isGreaterThan(500);
  }

  @Test
  void cveRecent_entries_nameANumberAndADay() {
    assertThat(pack("cve-recent").patterns())
        .allSatisfy(entry -> {
          assertThat(entry.about().source()).contains("CVE-20");
          assertThat(entry.about().since()).matches("202[3-9]-.*");
        });
  }

  @Test
  void find_nameOfBefore_isToldWithTheNewOne() {
    assertThat(Packs.renamed("iot")).contains("iot-router");
    assertThat(Packs.renamed("sql-injection")).contains("injection");
    assertThat(Packs.names())
        .doesNotContain("iot", "sql-injection")
        .contains("exploits", "secrets");
  }
}
