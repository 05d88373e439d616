package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.cli.CommandRun.Said;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Values and a blocklist of the original ip-sentry, taken over, lead to its bans. */
final class ImportOriginalTest {
  private final Path directory;
  private final CommandRun commands;

  ImportOriginalTest(@TempDir Path directory) {
    this.directory = directory;
    commands = new CommandRun(directory);
  }

  private String file(String name, String text) throws IOException {
    return Files.writeString(directory.resolve(name), text).toString();
  }

  private static String line(String address, int second, String path, int status) {
    return "%s - - [21/Nov/2026:07:00:%02d +0000] \"GET %s HTTP/1.1\" %d 1 \"-\" \"x\"\n"
        .formatted(address, second, path, status);
  }

  private List<String> replayed(String values) throws IOException {
    Said said = commands.run("import", "original", file("values.yaml", values));
    assertThat(said.exitCode()).as(said.err()).isZero();
    String config = file("ours.yaml", said.out());
    assertThat(commands.run("check-config", config).exitCode()).isZero();
    String log =
        file(
            "access.log",
            line("203.0.113.1", 1, "/wp-admin/", 200)
                + line("203.0.113.1", 2, "/wp-admin/", 302)
                + line("203.0.113.1", 3, "/wp-admin/", 200)
                + line("203.0.113.2", 4, "/.git/config", 404)
                + line("203.0.113.2", 5, "/.env", 404)
                + line("203.0.113.3", 6, "/.env", 404)
                + line("203.0.113.3", 7, "/.env", 404)
                + line("203.0.113.4", 8, "/own", 200)
                + line("203.0.113.4", 9, "/own", 200));
    return commands.run("replay", "-c", config, "-o", "json", log).outLines();
  }

  @Test
  void values_minimal_banAsTheOriginalDoesByDefault() throws IOException {
    List<String> bans = replayed("ngf: { namespace: nginx-gateway-fabric }\n");

    assertThat(bans).hasSize(2);
    assertThat(bans.get(0))
        .contains("203.0.113.1")
        .contains("\"banned_at\":\"2026-11-21T07:00:03.000Z\"")
        .contains("\"expires_at\":\"2026-11-22T07:00:03.000Z\"");
    assertThat(bans.get(1)).contains("203.0.113.2").contains("07:00:05.000Z");
  }

  @Test
  void values_ofItsOwn_areTaken() throws IOException {
    List<String> bans =
        replayed(
            """
            watcher:
              image: { repository: python, tag: 3.12-slim }
              logRegex: '^(\\S+) \\S+ \\S+ \\[.+?\\] "(?:[A-Z]+) (\\S+) \\S+" \\d+'
              patterns: ['^/own', "it's{1,3}"]
              threshold: 2
              uniquePatternThreshold: 0
              windowSeconds: 60
              banDurationSeconds: 604800
            enforcer: { intervalSeconds: 10, tolerateControlPlane: true }
            """);

    assertThat(bans)
        .singleElement()
        .asString()
        .contains("203.0.113.4")
        .contains("\"expires_at\":\"2026-11-28T07:00:09.000Z\"");
    Said said = commands.run("import", "original", directory.resolve("values.yaml").toString());
    assertThat(said.out()).contains("interval: 10s").contains("'it''s{1,3}'");
    assertThat(said.err())
        .contains("values.yaml:2: watcher.image is for the chart")
        .contains("enforcer.tolerateControlPlane");
  }

  @Test
  void blocklist_ofTheConfigMap_isBannedUntilItsEnds() throws IOException {
    String json =
        """
        {"1.2.3.4":{"banned_at":"2026-03-20T10:00:00Z","expires_at":"2026-11-22T10:00:00Z","reason":"^/wp-admin","hit_count":5},
         "1.2.3.5":{"banned_at":"2026-03-20T10:00:00Z","expires_at":"2026-03-21T10:00:00Z","reason":"over","hit_count":5},
         "1.2.3.6":{"banned_at":"2026-03-20T10:00:00Z","expires_at":"9999-12-31T23:59:59Z","reason":"manual","hit_count":1},
         "example.com":{"banned_at":"2026-03-20T10:00:00Z","expires_at":"2099-01-01T00:00:00Z"}}
        """;
    String map = "kind: ConfigMap\ndata:\n  blocklist.json: |\n" + json.indent(4);
    String store = directory.resolve("s.db").toString();

    Said said = commands.run("import", "original", file("b.yaml", map), "--store", store);
    List<String> banned = commands.run("list", "-o", "json", "--store", store).outLines();

    assertThat(said.exitCode()).as(said.err()).isZero();
    assertThat(said.out()).isEqualTo("banned 2, already banned 0, refused 0\n");
    assertThat(said.err()).contains("example.com is left out");
    assertThat(banned).hasSize(2);
    assertThat(banned)
        .anySatisfy(ban ->
            assertThat(ban)
                .contains("1.2.3.4")
                .contains("2026-11-22T10:00:00")
                .contains("^/wp-admin"))
        .anySatisfy(ban -> assertThat(ban).contains("1.2.3.6").doesNotContain("9999"));
    assertThat(commands.run("import", "original", file("b.json", json), "--store", store).out())
        .isEqualTo("banned 0, already banned 2, refused 0\n");
  }

  @Test
  void anythingElse_isRefused() throws IOException {
    Said said = commands.run("import", "original", file("x.yaml", "a: 1\n"));

    assertThat(said.exitCode()).isEqualTo(1);
    assertThat(said.err()).contains("neither a blocklist nor the values");
  }
}
