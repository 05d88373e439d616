package io.ipsentry.rule;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.line.FormatOptions;
import io.ipsentry.line.LineDecoder;
import io.ipsentry.line.LineDecoder.Outcome;
import io.ipsentry.line.LineFormats;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.testing.traffic.AccessLogStyle;
import io.ipsentry.testing.traffic.DamagedLines;
import io.ipsentry.testing.traffic.Traffic;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Lines of which the rest is not read once no rule can be hit, against lines read to their end. */
class RelevanceTest {
  private static final long SEED = 20_261_126;
  private static final int RULE_SETS = 60;
  private static final int LINES = 400;
  private static final FormatOptions OPTIONS =
      FormatOptions.of(ZoneOffset.UTC, InstantSource.fixed(Instant.parse("2026-11-21T07:10:00Z")));
  private static final String[] STATUSES = {"401-405", "404", "200-299,404", "500", "403-499"};
  private static final String[] PATHS = {"^/\\.env", "^/wp-", "/admin", "^/$", "\\.php", "^/a"};

  /** Decodes and judges with or without leave to stop early. */
  private static final class Reader {
    private final LineDecoder decoder;
    private final RuleMatcher matcher;
    private final RequestFacts facts = new RequestFacts();
    private Outcome outcome = Outcome.EMPTY;

    Reader(String format, RuleSet rules, boolean early) {
      decoder = LineFormats.decoder(format, OPTIONS);
      matcher = rules.matcher(Rule.On.LOG, "s");
      if (early) {
        facts.relevance(matcher);
      }
    }

    /** The hits, each with what is taken from the line for it. */
    List<String> hits(byte[] line) {
      outcome = decoder.decode(line, 0, line.length, facts);
      List<String> hits = new ArrayList<>();
      int number = outcome == Outcome.FACTS ? matcher.match(facts) : 0;
      for (int i = 0; i < number; i++) {
        hits.add(
            String.join(
                " ",
                String.valueOf(matcher.rule(i)),
                matcher.pattern(i, facts),
                String.valueOf(matcher.patternIdentity(i, facts)),
                facts.client().toString(),
                facts.peer().toString(),
                facts.forwardedFor().toString(),
                facts.time().toString()));
      }
      return hits;
    }
  }

  private static RuleSet randomRules(Random random) {
    int rules = random.nextInt(8) == 0 ? 60 + random.nextInt(10) : 1 + random.nextInt(3);
    return RuleSet.compile(
        IntStream.range(0, rules).mapToObj(i -> randomRule("r" + i, random)).toList());
  }

  private static Rule randomRule(String name, Random random) {
    Rules rule = Rules.named(name);
    int conditions = 1 + random.nextInt(3);
    for (int i = 0; i < conditions; i++) {
      String path = PATHS[random.nextInt(PATHS.length)];
      String status = STATUSES[random.nextInt(STATUSES.length)];
      switch (random.nextInt(9)) {
        case 0, 1 -> rule.status(status);
        case 2 -> rule.originStatus(status);
        case 3 -> rule.paths(path);
        case 4 -> rule.served(path);
        case 5 -> rule.path(path, PathPattern.Mode.ALLOW).status("200-499");
        case 6 -> rule.path(path, PathPattern.Mode.BLOCK);
        case 7 -> rule.paths(path).ignoreStatus(status);
        default -> rule.methods("POST", "GET").ignorePaths("\\.(png|js)$");
      }
    }
    return rule.build();
  }

  @ParameterizedTest
  @EnumSource
  void match_whenTheRestIsNotRead_findsTheSameHits(AccessLogStyle style) {
    Random random = new Random(SEED);
    Traffic traffic = new Traffic(SEED, Instant.parse("2026-11-21T07:00:00Z"), Traffic.Crowd.MIXED);
    int ruledOut = 0;
    int hits = 0;
    for (int set = 0; set < RULE_SETS; set++) {
      RuleSet rules = randomRules(random);
      String format = random.nextInt(4) == 0 ? "auto" : style.formatName();
      Reader early = new Reader(format, rules, true);
      Reader whole = new Reader(format, rules, false);
      for (int i = 0; i < LINES; i++) {
        String text = style.line(traffic.next());
        byte[] line = text.getBytes(StandardCharsets.UTF_8);
        boolean damage = i % 2 == 0;
        byte[] judged = damage ? DamagedLines.damaged(line, random) : line;
        List<String> expected = whole.hits(judged);
        String at = "seed %d, rules %d, line %d: %s".formatted(SEED, set, i, text);
        assertThat(early.hits(judged)).as(at).isEqualTo(expected);
        boolean out = early.outcome == Outcome.FACTS && early.facts.ruledOut();
        // Only what stands behind a decided line, and ends as a line does, goes unseen.
        if (!damage || !out) {
          assertThat(early.outcome).as(at).isEqualTo(whole.outcome);
        }
        // What is recognised may take a damaged line for one of another format.
        ruledOut += out && !format.equals("auto") ? 1 : 0;
        hits += expected.size();
      }
    }
    assertThat(hits).isPositive();
    boolean asks = style.formatName().endsWith("json") || style.formatName().endsWith("combined");
    assertThat(ruledOut > 0).isEqualTo(asks);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"ClientAddr":"192.0.2.1:5","DownstreamStatus":200,"RequestPath":"/a"}    | true
          {"ClientAddr":"192.0.2.1:5","DownstreamStatus":404,"RequestPath":"/a"}    | false
          {"ClientAddr":"192.0.2.1:5","RequestPath":"/a","OriginStatus":200}        | false
          {"ClientAddr":"192.0.2.1:5","DownstreamStatus":200,"RequestPath":"/a      | false
          {"DownstreamStatus":200,"RequestPath":"/a","ClientAddr":"192.0.2.1:5"}    | true
          {"DownstreamStatus":null,"ClientAddr":"192.0.2.1:5","RequestPath":"/a"}   | false
          """)
  void decode_status_rulesOutALineThatEndsAsOne(String line, boolean out) {
    Reader reader =
        new Reader(
            "traefik-json", RuleSet.compile(List.of(Rules.named("r").status("404").build())), true);

    reader.hits(line.getBytes(StandardCharsets.UTF_8));

    assertThat(reader.facts.ruledOut()).isEqualTo(out);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          GET /a HTTP/1.1" 200 5 "-" "curl" | FACTS     | true
          GET /a HTTP/1.1" 200              | FACTS     | true
          GET /.env HTTP/1.1" 404 5 "-" "-" | FACTS     | false
          GET /.env HTTP/1.1" 200 5 "-" "-" | FACTS     | true
          GET /a HTTP/1.1" 200x 5 "-" "-"   | UNMATCHED | false
          GET /a HTTP/1.1" 20               | UNMATCHED | false
          """)
  void decode_combined_isRuledOutBehindItsStatus(String rest, Outcome outcome, boolean out) {
    Reader reader =
        new Reader(
            "combined",
            RuleSet.compile(List.of(Rules.named("r").served("^/\\.env").build())),
            true);

    reader.hits(
        ("192.0.2.1 - - [21/Nov/2026:07:00:00 +0000] \"" + rest).getBytes(StandardCharsets.UTF_8));

    assertThat(reader.outcome).isEqualTo(outcome);
    assertThat(reader.facts.ruledOut()).isEqualTo(out);
  }

  @Test
  void decode_target_rulesOutALineWhenEveryRuleNeedsAPath() {
    Rules path = Rules.named("path").paths("^/\\.env");
    byte[] line =
        "{\"ClientAddr\":\"192.0.2.1:5\",\"RequestPath\":\"/a\",\"time\":\"\"}"
            .getBytes(StandardCharsets.UTF_8);
    Reader alone = new Reader("traefik-json", RuleSet.compile(List.of(path.build())), true);
    Reader other =
        new Reader(
            "traefik-json",
            RuleSet.compile(List.of(path.build(), Rules.named("r").status("404").build())),
            true);

    alone.hits(line);
    other.hits(line);

    assertThat(alone.facts.ruledOut()).isTrue();
    assertThat(other.facts.ruledOut()).isFalse();
  }

  @Test
  void decode_withoutRelevance_readsTheWholeLine() {
    Reader reader =
        new Reader(
            "traefik-json",
            RuleSet.compile(List.of(Rules.named("r").status("404").build())),
            false);

    reader.hits(
        "{\"ClientAddr\":\"192.0.2.1:5\",\"DownstreamStatus\":200,\"RequestPath\":\"/a\"}"
            .getBytes(StandardCharsets.UTF_8));

    assertThat(reader.facts.ruledOut()).isFalse();
    assertThat(reader.facts.target()).hasToString("/a");
  }
}
