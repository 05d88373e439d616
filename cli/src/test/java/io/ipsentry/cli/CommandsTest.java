package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.cli.CommandRun.Said;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What holds for the command line as a whole, and commands that need no log. */
final class CommandsTest {
  private final Path directory;
  private final CommandRun commands;

  CommandsTest(@TempDir Path directory) {
    this.directory = directory;
    commands = new CommandRun(directory);
  }

  private CommandLine all() {
    PrintStream nowhere =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
    return Commands.all(commands.shell(nowhere, nowhere));
  }

  @Test
  void version_printsOneLine() {
    Said said = commands.run("--version");
    assertThat(said.exitCode()).isZero();
    assertThat(said.outLines()).singleElement().asString().startsWith("ip-sentry ");
  }

  @Test
  void help_listsEveryCommand() {
    String help = commands.run("--help").out();
    assertThat(all().getSubcommands().keySet()).allSatisfy(name -> assertThat(help).contains(name));
  }

  @Test
  void help_ofEveryCommand_hasAnExampleAndFits() {
    for (String name : all().getSubcommands().keySet()) {
      Said said = commands.run(name, "--help");
      assertThat(said.exitCode()).as(name).isZero();
      assertThat(said.out()).as(name).contains("Example").contains("ip-sentry " + name);
      assertThat(said.outLines())
          .as(name)
          .allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(100));
    }
  }

  @Test
  void documentation_mentionsEveryCommandAndOption() throws IOException {
    String documentation = Files.readString(Path.of("..", "docs", "cli.md"));
    all()
        .getSubcommands()
        .forEach((name, command) -> {
          assertThat(documentation).contains("## `" + name);
          command
              .getCommandSpec()
              .options()
              .forEach(option -> assertThat(documentation).as(name).contains(option.longestName()));
        });
  }

  @Test
  void unknownCommand_exits2AndSuggests() {
    Said said = commands.run("lst");
    assertThat(said.exitCode()).isEqualTo(2);
    assertThat(said.err()).contains("did you mean").contains("list");
    assertThat(said.err().lines()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "ban",
        "ban example.com",
        "ban 10.1",
        "ban 203.0.113.7 --for soon",
        "ban 203.0.113.7 --for 0s",
        "list --no-such-option",
        "list -o xml",
        "get",
        "watch --from x",
        "history -n 0 --store /nonexistent/x.db --socket /nonexistent",
        "packs",
        "completion fish"
      })
  void wrongUse_exits2WithOneLine(String line) {
    Said said = commands.run(line.isEmpty() ? new String[0] : line.split(" "));
    assertThat(said.exitCode()).isEqualTo(2);
    assertThat(said.out()).isEmpty();
    assertThat(said.err().lines()).hasSize(1);
    assertThat(said.err()).startsWith("ip-sentry");
  }

  @Test
  void ban_bitsBehindTheLength_areToldNotKept() {
    Said said =
        commands.run("ban", "203.0.113.7/24", "--store", directory.resolve("s.db").toString());
    assertThat(said.out()).startsWith("banned 203.0.113.0/24 ");
    assertThat(said.err()).isEqualTo("note: 203.0.113.7/24 is read as 203.0.113.0/24\n");
  }

  @Test
  void configuration_invalid_keepsOperatorCommandsFromActing() throws IOException {
    Path config = directory.resolve("bad.yaml");
    Files.writeString(config, "sourcs: []\n");

    Said said = commands.run("list", "--config", config.toString());

    assertThat(said.exitCode()).isEqualTo(3);
    assertThat(said.err()).contains("sourcs").contains("sources");
  }

  @Test
  void configuration_missing_exits3() {
    Said said = commands.run("list", "--config", directory.resolve("none.yaml").toString());
    assertThat(said.exitCode()).isEqualTo(3);
    assertThat(said.err()).contains("none.yaml");
  }

  @Test
  void configuration_ofACluster_isNothingForAHost() throws IOException {
    Path config = directory.resolve("cluster.yaml");
    Files.writeString(
        config,
        "store: { kubernetes: {} }\nadmin: { socket: none.sock }\nsources: [{ file: a.log }]\n");

    Said run = commands.run("run", "--config", config.toString());
    Said list = commands.run("list", "--config", config.toString());

    assertThat(run.exitCode()).isEqualTo(1);
    assertThat(run.err()).contains("store.kubernetes").contains("ip-sentry watcher");
    assertThat(list.exitCode()).isEqualTo(3);
    assertThat(list.err()).contains("none.sock").contains("in a cluster").contains("--server");
  }

  @Test
  void defaults_withoutRoot_areBelowTheUsersOwnDirectories() {
    assertThat(Set.of(Path.of("/run/ip-sentry"), Path.of("/var/lib/ip-sentry")))
        .noneMatch(Files::exists);
    commands.environment.put("XDG_STATE_HOME", directory.resolve("state").toString());
    commands.environment.put("XDG_RUNTIME_DIR", directory.resolve("runtime").toString());

    assertThat(commands.run("ban", "203.0.113.7").exitCode()).isZero();

    assertThat(directory.resolve("state/ip-sentry/ip-sentry.db")).exists();
  }

  @Test
  void checkConfig_valid_exits0() throws IOException {
    Path config = directory.resolve("good.yaml");
    Files.writeString(config, "neverBan: [192.0.2.0/24]\n");
    Said said = commands.run("check-config", config.toString());
    assertThat(said.exitCode()).isZero();
    assertThat(said.out()).contains("good.yaml: valid");
  }

  @Test
  void checkConfig_invalid_exits1AndTellsThePlace() throws IOException {
    Path config = directory.resolve("bad.yaml");
    Files.writeString(config, "neverBan: [192.0.2.300]\n");
    Said said = commands.run("check-config", config.toString());
    assertThat(said.exitCode()).isEqualTo(1);
    assertThat(said.out()).contains("bad.yaml:1:").contains("192.0.2.300");
    assertThat(commands.run("check-config", "-o", "json", config.toString()).outLines())
        .allSatisfy(line -> assertThat(line).startsWith("{").endsWith("}"));
  }

  @Test
  void packs_listAndShow_tellWhatIsShipped() {
    assertThat(commands.run("packs", "list").out()).contains("default");
    Said shown = commands.run("packs", "show", "default");
    assertThat(shown.exitCode()).isZero();
    assertThat(shown.out()).contains("^/\\.env").contains("^/wp-login\\.php").contains("with 4xx");
    assertThat(commands.run("packs", "show", "default", "-o", "json").outLines())
        .hasSize(15)
        .allSatisfy(line -> assertThat(line).startsWith("{\"regex\":"));
    assertThat(commands.run("packs", "show", "nothing")).returns(1, Said::exitCode);
  }

  @Test
  void packsTest_target_tellsTheEntryAndWhy() {
    Said env = commands.run("packs", "test", "/.env");
    assertThat(env.exitCode()).isZero();
    assertThat(env.out()).contains("default").contains("secrets").contains("CVE-2017-16894");

    Said served =
        commands.run("packs", "test", "-p", "wordpress", "--status", "200", "/wp-login.php");
    assertThat(served.exitCode()).isEqualTo(1);
    assertThat(served.out()).contains("no: with 4xx");
    assertThat(commands.run("packs", "test", "--status", "404", "/wp-login.php").exitCode())
        .isZero();

    Said url = commands.run("packs", "test", "https://www.example.com//%2e%65nv?x=1", "-o", "json");
    assertThat(url.exitCode()).isZero();
    assertThat(url.outLines())
        .hasSizeGreaterThan(1)
        .allSatisfy(line -> assertThat(line).contains("\"counts\":true"));

    Said nothing = commands.run("packs", "test", "/orders/12?sort=name");
    assertThat(nothing.exitCode()).isEqualTo(1);
    assertThat(nothing.out()).contains("no entry");
    assertThat(commands.run("packs", "test", "/.well-known/acme-challenge/.env").exitCode())
        .isEqualTo(1);
  }

  @Test
  void packsTest_lineUserAgentAndLog_areJudged() throws IOException {
    String line =
        "203.0.113.7 - - [21/Nov/2026:07:00:00 +0000] \"POST /wp-login.php HTTP/1.1\" %d 1 \"-\""
            + " \"%s\"";
    Said refused = commands.run("packs", "test", "-p", "wordpress", line.formatted(404, "x"));
    assertThat(refused.exitCode()).isZero();
    Said served = commands.run("packs", "test", "-p", "wordpress", line.formatted(302, "x"));
    assertThat(served.exitCode()).isEqualTo(1);

    Said tool = commands.run("packs", "test", "--pack", "scanners", "--user-agent", "sqlmap/1.8");
    assertThat(tool.exitCode()).isZero();
    assertThat(tool.out()).contains("sqlmap");

    Path log = directory.resolve("access.log");
    Files.writeString(log, line.formatted(404, "Nikto") + "\n" + line.formatted(302, "x") + "\n");
    Said read = commands.run("packs", "test", "--log", log.toString(), "-o", "json");
    assertThat(read.exitCode()).isZero();
    assertThat(read.outLines())
        .anySatisfy(
            hit -> assertThat(hit).contains("\"pack\":\"wordpress\"").contains("\"lines\":1"))
        .anySatisfy(hit -> assertThat(hit).contains("\"pack\":\"scanners\""));
    assertThat(read.err()).contains("1 of 2 lines are hits");
    assertThat(commands.run("packs", "test", "--log", directory + "/none.log").exitCode())
        .isEqualTo(3);
    assertThat(commands.run("packs", "test").exitCode()).isEqualTo(2);
    assertThat(commands.run("packs", "test", "-p", "no-such", "/").exitCode()).isEqualTo(1);
    assertThat(commands.run("packs", "test", "-p", "iot", "/HNAP1/").exitCode()).isZero();
  }

  @Test
  void completion_bash_isAScriptThatNamesEveryCommand() {
    Said said = commands.run("completion", "bash");
    assertThat(said.exitCode()).isZero();
    assertThat(said.out()).contains("complete -F _complete_ip-sentry");
    assertThat(all().getSubcommands().keySet())
        .allSatisfy(name -> assertThat(said.out()).contains(name));
    assertThat(commands.run("completion", "zsh").out()).contains("bashcompinit");
  }

  @Test
  void doctor_sourceNotThere_failsAndTellsHowToMend() throws IOException {
    Path config = directory.resolve("c.yaml");
    Files.writeString(
        config,
        """
        sources:
          - file: %1$s/none.log
        store: { path: %1$s/s.db }
        admin: { socket: %1$s/a.sock }
        """
            .formatted(directory));

    Said said = commands.run("doctor", "--config", config.toString());

    assertThat(said.exitCode()).isEqualTo(1);
    assertThat(said.out()).contains("fail  source").contains("no file is there").contains("-> ");
    assertThat(said.out()).contains("warn  instance: ip-sentry is not running");
    assertThat(directory.resolve("s.db")).doesNotExist();
  }

  @Test
  void doctor_clientsHiddenBehindProxy_saysThatNoBanIsPossible() throws IOException {
    Said said = doctor("10.0.0.1");
    assertThat(said.exitCode()).isEqualTo(1);
    assertThat(said.out()).contains("no ban is possible").contains("trustedProxies");
  }

  @Test
  void doctor_clientsAreCloudflare_saysSo() throws IOException {
    assertThat(doctor("104.16.0.1").out()).contains("Cloudflare");
  }

  @Test
  void doctor_ordinaryLog_isWell() throws IOException {
    Said said = doctor("203.0.113.%d");
    assertThat(said.out()).contains("40 of the last 40 lines understood as combined");
    assertThat(said.exitCode()).isZero();
  }

  private Said doctor(String client) throws IOException {
    Path log = directory.resolve("access.log");
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 40; i++) {
      lines
          .append(client.formatted(i))
          .append(
              " - - [21/Nov/2026:06:59:%02d +0000] \"GET / HTTP/1.1\" 200 9 \"-\" \"x\"\n"
                  .formatted(i));
    }
    Files.writeString(log, lines);
    Files.setLastModifiedTime(log, FileTime.from(CommandRun.START.minusSeconds(10)));
    Path config = directory.resolve("c.yaml");
    Files.writeString(
        config,
        """
        sources:
          - file: %1$s/access.log
        store: { path: %1$s/s.db }
        admin: { socket: %1$s/a.sock }
        """
            .formatted(directory));
    return commands.run("doctor", "--config", config.toString());
  }
}
