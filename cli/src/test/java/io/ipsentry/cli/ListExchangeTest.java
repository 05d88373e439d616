package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.cli.CommandRun.Said;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lists in and out of a store. */
final class ListExchangeTest {
  private final Path directory;
  private final CommandRun commands;

  ListExchangeTest(@TempDir Path directory) {
    this.directory = directory;
    commands = new CommandRun(directory);
  }

  @BeforeEach
  void configure() throws IOException {
    Path config = directory.resolve("ip-sentry.yaml");
    Files.writeString(
        config,
        "neverBan: [198.51.100.64/26]\nadmin: { socket: " + directory.resolve("s") + " }\n");
    commands.environment.put("IP_SENTRY_CONFIG", config.toString());
  }

  private Said run(String store, String... arguments) {
    String[] all = List.of(arguments).toArray(new String[arguments.length + 2]);
    all[arguments.length] = "--store";
    all[arguments.length + 1] = directory.resolve(store).toString();
    return commands.run(all);
  }

  private String file(String name, String text) throws IOException {
    return Files.writeString(directory.resolve(name), text).toString();
  }

  @Test
  void importList_mixedList_bansAndCountsTheRest() throws IOException {
    String list =
        file(
            "list",
            "203.0.113.7\n203.0.113.0/28 # around it\n10.1.2.3\n198.51.100.70\n2001:db8::1\n");

    Said first = run("a.db", "import", "list", list, "--for", "1h", "--reason", "old");

    assertThat(first.exitCode()).isEqualTo(1);
    assertThat(first.out()).contains("banned 2, already banned 0, refused 2, left out 0");
    assertThat(first.err()).contains("10.1.2.3 is not banned: private network 10.0.0.0/8");
    assertThat(run("a.db", "list", "-o", "json").out().lines())
        .hasSize(2)
        .anyMatch(line -> line.contains("203.0.113.0/28") && line.contains("\"reason\":\"old\""))
        .noneMatch(line -> line.contains("\"expires_at\":null"));
    assertThat(run("a.db", "import", "list", list, "--for", "1m", "-o", "json").out())
        .contains("\"banned\":0,\"already_banned\":2,\"refused\":2");
  }

  @Test
  void importList_whatIsNoList_exits3() throws IOException {
    Said said = run("a.db", "import", "list", file("page", "<html>no</html>"));

    assertThat(said.exitCode()).isEqualTo(3);
    assertThat(said.err()).contains("is not taken: it is a web page, not a list");
    assertThat(run("a.db", "import", "list", "nowhere").exitCode()).isEqualTo(3);
    assertThat(run("a.db", "import", "list", "x", "--format", "xls").exitCode()).isEqualTo(2);
    assertThat(commands.run("import").exitCode()).isEqualTo(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "crowdsec"})
  void export_readAgain_isTheSame(String format) throws IOException {
    StringBuilder list = new StringBuilder("2001:db8::/48\n198.51.100.128/25\n");
    for (int i = 0; i < 600; i++) {
      list.append("2001:db8:1::").append(Integer.toHexString(2 * i)).append('\n');
    }
    assertThat(run("a.db", "import", "list", file("list", list.toString())).out())
        .contains("banned 602,");

    Said exported = run("a.db", "export", "--format", format);
    Said again = run("b.db", "import", "list", file("exported", exported.out()));

    assertThat(again.out()).contains("banned 602,");
    assertThat(run("b.db", "export").out()).isEqualTo(run("a.db", "export").out());
  }

  @Test
  void export_allowedProtectedAndFeeds_areSparedAndWritten() throws IOException {
    assertThat(run("a.db", "ban", "203.0.113.0/30", "--for", "1h").exitCode()).isZero();
    assertThat(run("a.db", "ban", "203.0.113.9", "--for", "permanent").exitCode()).isZero();
    assertThat(run("a.db", "allow", "203.0.113.1").exitCode()).isZero();

    assertThat(run("a.db", "export").out().lines())
        .containsExactly("203.0.113.0", "203.0.113.2/31", "203.0.113.9");
    assertThat(run("a.db", "export", "-f", "nginx").out()).contains("deny 203.0.113.2/31;\n");
    assertThat(run("a.db", "export", "-f", "json").out())
        .contains("{\"ip\":\"203.0.113.9\",\"until\":null,\"rule\":\"manual\",\"reason\":\"\"}\n");
    assertThat(run("a.db", "export", "-f", "ipset").out())
        .contains("add ip-sentry-export4 203.0.113.9 -exist\n");
    assertThat(run("a.db", "export", "-f", "nft").out())
        .contains("add element inet ip-sentry-export banned4 { 203.0.113.2/31 }\n");
    assertThat(run("a.db", "export", "-f", "xml").exitCode()).isEqualTo(2);
    assertThat(run("none.db", "export").exitCode()).isEqualTo(3);
  }
}
