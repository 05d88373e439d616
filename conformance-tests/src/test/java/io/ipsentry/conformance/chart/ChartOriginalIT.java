package io.ipsentry.conformance.chart;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.fabric8.kubernetes.api.model.Secret;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.testing.Programs;
import io.ipsentry.testing.RequiresProgram;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Values of the original's chart ban whom they banned there: what the chart makes of {@code
 * logRegex}, {@code patterns} and the thresholds, against Python's expressions and the original's
 * way of counting, line by line.
 */
@RequiresProgram("python3")
final class ChartOriginalIT {
  /** How the original decides, in its own language: arguments are the values and a log. */
  private static final String MODEL =
      """
      import json, re, sys
      values = json.load(open(sys.argv[1]))["watcher"]
      line_of = re.compile(values["logRegex"])
      patterns = [re.compile(each) for each in values["patterns"]]
      hits, banned = {}, set()
      for line in open(sys.argv[2], encoding="utf-8", errors="replace"):
          found = line_of.match(line.strip())
          if not found or found.group(1) in banned:
              continue
          first = next((p.pattern for p in patterns if p.search(found.group(2))), None)
          if first is None:
              continue
          of = hits.setdefault(found.group(1), [])
          of.append(first)
          unique = values["uniquePatternThreshold"]
          if len(of) >= values["threshold"] or 0 < unique <= len(set(of)):
              banned.add(found.group(1))
              print(found.group(1), first, len(of))
      """;

  private static final int LINES = 4_000;
  private static final int CLIENTS = 200;

  private static final String[] PATHS = {
    "/",
    "/index.html",
    "/wp-admin",
    "/wp-admin/setup",
    "/a/wp-admin",
    "/wp-login.php",
    "/.env",
    "/.env.local",
    "/.git/config",
    "/.git",
    "/phpmyadmin/",
    "/shell.php?x=1",
    "/shellXphp",
    "/backup-1.sql",
    "/old.bak",
    "/old.bakbak",
    "/boaform/admin",
    "/it's",
    "/a:b",
    "/?q=/.env"
  };

  @TempDir private Path directory;

  private static String combined(Random random, int number) {
    return "203.0.113.%d - - [26/Nov/2026:10:00:%02d +0000] \"%s %s HTTP/1.1\" %d 153 \"-\" \"curl\""
        .formatted(
            random.nextInt(CLIENTS),
            number * 60 / LINES,
            random.nextInt(5) == 0 ? "POST" : "GET",
            PATHS[random.nextInt(PATHS.length)],
            random.nextBoolean() ? 200 : 404);
  }

  private static String own(Random random) {
    // What is not at the beginning of a line is not found there.
    return (random.nextInt(10) == 0 ? "from " : "")
        + "203.0.113.%d %s %s"
            .formatted(
                random.nextInt(CLIENTS),
                random.nextInt(5) == 0 ? "PUT" : "GET",
                PATHS[random.nextInt(PATHS.length)]);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{ watcher: { threshold: 5, uniquePatternThreshold: 0 } }",
        "{ watcher: { patterns: ['wp-(?:admin|login)', '\\.(?:bak|sql){1,3}$', \"it's\", 'a:b',"
            + " '\\.php(?=\\?)'], uniquePatternThreshold: 3 } }",
        "{ watcher: { logRegex: '(\\d+\\.\\d+\\.\\d+\\.\\d+) (?:GET|POST) (\\S+)' } }"
      })
  void values_ofTheOriginal_banWhomTheyBannedThere(String values) throws Exception {
    long seed = new Random().nextLong();
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < LINES; i++) {
      lines.add(values.contains("logRegex") ? own(random) : combined(random, i));
    }
    Path log = Files.write(directory.resolve("access.log"), lines);

    assertThat(banned(values, log))
        .hasSizeGreaterThan(50)
        .containsExactlyInAnyOrderElementsOf(expected(values, log));
  }

  private List<String> expected(String values, Path log) throws Exception {
    YAMLMapper yaml = new YAMLMapper();
    JsonNode all = yaml.readTree(Files.readString(HelmChart.FOLDER.resolve("values.yaml")));
    JsonNode others = yaml.readTree(values);
    if (others.has("watcher")) {
      ((ObjectNode) all.get("watcher")).setAll((ObjectNode) others.get("watcher"));
    }
    Path json =
        Files.writeString(
            directory.resolve("values.json"), new ObjectMapper().writeValueAsString(all));
    return Programs.run("python3", "-c", MODEL, json.toString(), log.toString()).lines().toList();
  }

  private List<String> banned(String values, Path log) {
    RenderedChart chart = HelmChart.render("ip-sentry", values);
    MountedConfig mounted =
        MountedConfig.in(
            directory.resolve("pod"),
            chart.config("ip-sentry.yaml"),
            chart.one(Secret.class, "ip-sentry-admin-tls"));
    IpSentry.Result result =
        IpSentry.run(
            "replay",
            "--config",
            mounted.file().toString(),
            "--source",
            "gateway",
            "-o",
            "json",
            log.toString());
    assertThat(result.exitCode()).as(result.err()).isZero();
    return result.json().stream()
        .map(ban -> ban.get("ip") + " " + ban.get("reason") + " " + ban.get("hit_count"))
        .toList();
  }
}
