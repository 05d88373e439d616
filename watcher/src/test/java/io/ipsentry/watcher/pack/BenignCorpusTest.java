package io.ipsentry.watcher.pack;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.Config;
import io.ipsentry.config.Packs;
import io.ipsentry.testing.traffic.AccessLogStyle;
import io.ipsentry.testing.traffic.SampleRequest;
import io.ipsentry.watcher.Explain;
import io.ipsentry.watcher.Replay;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** With every pack, nobody is banned who uses ordinary software in an ordinary way. */
final class BenignCorpusTest {
  private static final String BROWSER =
      "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

  /** A line of the corpus. */
  private record Line(boolean hit, String method, int status, String target) {
    static Line parse(String text) {
      String[] parts = text.substring(text.startsWith("~") ? 1 : 0).split(" ", 3);
      return new Line(text.startsWith("~"), parts[0], Integer.parseInt(parts[1]), parts[2]);
    }

    SampleRequest by(String address) {
      return PackReplay.request(0, address, method, target, status, BROWSER);
    }
  }

  private static Map<String, List<Line>> corpus() throws IOException {
    Map<String, List<Line>> sections = new LinkedHashMap<>();
    List<Line> section = new ArrayList<>();
    try (InputStream in =
        Objects.requireNonNull(
            BenignCorpusTest.class.getResourceAsStream("/io/ipsentry/watcher/benign.txt"))) {
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        if (line.startsWith("== ")) {
          section = new ArrayList<>();
          sections.put(line.substring(3), section);
        } else if (!line.startsWith("#")) {
          section.add(Line.parse(line));
        }
      }
    }
    return sections;
  }

  @Test
  void replay_everyPackAndAllInOneSecond_bansNobody() throws IOException {
    Config config = PackReplay.config(Packs.names());
    List<SampleRequest> requests = new ArrayList<>();
    Map<String, String> names = new LinkedHashMap<>();
    for (Map.Entry<String, List<Line>> section : corpus().entrySet()) {
      String address = "203.0.113." + (names.size() + 1);
      names.put(address, section.getKey());
      section.getValue().forEach(line -> requests.add(line.by(address)));
    }

    for (AccessLogStyle style : AccessLogStyle.values()) {
      Replay.Result result = PackReplay.run(config, style, requests);

      assertThat(result.unmatched()).isZero();
      assertThat(result.bans().stream().map(ban -> names.get(ban.ip().toString()) + ": " + ban))
          .as(style.name())
          .isEmpty();
    }
  }

  @Test
  void replay_eachLineAlone_isAHitOnlyWhereTheCorpusSaysSo() throws IOException {
    Explain explain = PackReplay.explain(PackReplay.config(packsWhoseHitsTell()), "combined");
    List<String> wrong = new ArrayList<>();
    for (Map.Entry<String, List<Line>> section : corpus().entrySet()) {
      for (Line line : section.getValue()) {
        Explain.Line explained = explain.line(AccessLogStyle.COMBINED.line(line.by("203.0.113.7")));
        if ((explained.kind() == Explain.Kind.MATCHED) != line.hit()) {
          wrong.add(section.getKey() + ": " + line + " " + hits(explained));
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  /** All but the one that counts kinds of requests, each of which alone is nothing. */
  private static List<String> packsWhoseHitsTell() {
    return Packs.names().stream().filter(name -> !name.equals("probing")).toList();
  }

  private static List<String> hits(Explain.Line line) {
    return line.rules().stream()
        .filter(rule -> !rule.pattern().isEmpty())
        .map(rule -> rule.rule() + " " + rule.pattern())
        .toList();
  }

  @Test
  void corpus_isLarge() throws IOException {
    assertThat(corpus()).hasSizeGreaterThan(25);
    assertThat(corpus().values().stream().mapToInt(List::size).sum()).isGreaterThan(400);
  }
}
