package io.ipsentry.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.cli.CommandRun.Said;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.watcher.host.HostAddresses;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code import fail2ban}, and that what it writes bans whom the jail itself bans. */
final class ImportFail2banTest {
  private static final List<String> LINES =
      List.of(
          "Nov 21 07:00:00 gate door[7]: hello 192.0.2.1",
          "Nov 21 07:00:01 gate door[7]: refused bob's key",
          "Nov 21 07:00:02 gate door[8]: refused eve 198.51.100.1",
          "Nov 21 07:00:03 gate door[8]: refused eve 198.51.100.1",
          "Nov 21 07:00:04 gate door[7]: refused bob's key",
          "Nov 21 07:00:05 gate door[9]: refused me 203.0.113.5",
          "Nov 21 07:00:06 gate door[9]: refused me 203.0.113.5");

  @TempDir private Path directory;
  private CommandRun commands;
  private Path tree;
  private Path log;

  @BeforeEach
  void tree() throws IOException {
    commands = new CommandRun(directory);
    tree = directory.resolve("f2b");
    Files.createDirectories(tree.resolve("filter.d"));
    log = Files.write(directory.resolve("door.log"), LINES);
    Files.writeString(
        tree.resolve("jail.conf"),
        """
        [DEFAULT]
        ignoreip = 203.0.113.0/24 gate.example.org
        banaction = iptables-multiport
        action = %%(banaction)s[port="1,2"]
                 cloudflare-token[cftoken=x]
                 mail-whois[dest=root]
        bantime = 10m
        bantime.increment = true
        bantime.multipliers = 1 5 30.5
        bantime.maxtime = 1d
        [door]
        enabled = true
        filter = door[what=refused]
        logpath = %s
        maxretry = 2
        findtime = 90
        ignorecommand = /bin/true
        [broken]
        filter = nowhere
        logpath = /x
        """
            .formatted(log));
    Files.writeString(
        tree.resolve("filter.d/door.conf"),
        """
        [Definition]
        prefregex = ^<F-MLFID> \\S+ door\\[\\d+\\]: </F-MLFID><F-CONTENT>.+</F-CONTENT>$
        failregex = ^<F-NOFAIL>hello</F-NOFAIL> <ADDR>$
                    ^<what> <F-USER>\\w+</F-USER> <ADDR>$
                    ^<what> <F-USER>\\w+</F-USER>'s key$
        datepattern = {^LN-BEG}
        """);
  }

  private List<String> bans(String config) throws IOException {
    Path file = Files.writeString(directory.resolve("c.yaml"), config);
    Said said = commands.run("replay", "-o", "json", "-c", file.toString(), log.toString());
    assertThat(said.exitCode()).as(said.err()).isZero();
    return said.outLines();
  }

  @Test
  void import_jails_banAsTheTreeItselfDoes() throws IOException {
    Said said = commands.run("import", "fail2ban", tree.toString());

    assertThat(said.exitCode()).as(said.err()).isZero();
    List<String> imported = bans(said.out());
    assertThat(imported)
        .hasSize(2)
        .anyMatch(ban -> ban.contains("192.0.2.1"))
        .anyMatch(ban -> ban.contains("198.51.100.1"));
    assertThat(bans("sources: { fail2ban: { directory: " + tree + " } }\nrules: []\n"))
        .isEqualTo(imported);
  }

  @Test
  void import_document_passesCheckConfig() throws IOException {
    Path file = directory.resolve("out.yaml");
    assertThat(
            commands.run("import", "fail2ban", "--output", file.toString(), tree.toString()).out())
        .isEmpty();

    Said checked = commands.run("check-config", file.toString());

    assertThat(checked.exitCode()).as(checked.out()).isZero();
    assertThat(Files.readString(file))
        .contains("enforcer: {}")
        .contains("multipliers: [1, 5, 30.5]")
        .contains("- '^refused <F-USER>\\w+</F-USER> <ADDR>$'")
        .contains("ignoreip:\n        - '203.0.113.0/24'");
    assertThat(commands.run("import", "fail2ban", "--output", file.toString(), tree.toString()))
        .returns(3, Said::exitCode);
  }

  @Test
  void import_whatHasNoEquivalent_isToldWithItsPlace() {
    String told = commands.run("import", "fail2ban", tree.toString()).err();

    assertThat(told.lines())
        .anyMatch(line -> line.contains("jail.conf:17: jail door: ignorecommand"))
        .anyMatch(
            line -> line.contains("jail.conf:4: jail door: action iptables-multiport is done by"))
        .anyMatch(
            line -> line.contains("jail.conf:4: jail door: action cloudflare-token has its like"))
        .anyMatch(
            line -> line.contains("jail.conf:4: jail door: action mail-whois has no equivalent"))
        .anyMatch(
            line -> line.contains("jail.conf:2: jail door: ignoreip gate.example.org is left out"));
  }

  @Test
  void import_jailThatCannotBeRead_isLeftOutAndExits1() {
    Said some =
        commands.run("import", "fail2ban", "--jail", "door", "-j", "broken", tree.toString());
    Said none = commands.run("import", "fail2ban", "-j", "broken", tree.toString());

    assertThat(some.exitCode()).isEqualTo(1);
    assertThat(some.out()).contains("'door'").doesNotContain("broken");
    assertThat(some.err()).contains("left out: jail broken: there is no filter nowhere");
    assertThat(none.exitCode()).isEqualTo(1);
    assertThat(none.out()).isEmpty();
    assertThat(commands.run("import", "fail2ban", directory.resolve("none").toString()))
        .returns(3, Said::exitCode);
    assertThat(commands.run("import")).returns(2, Said::exitCode);
  }

  @Test
  void explain_jail_countsExpressionsAndStampsAndShowsTags() throws IOException {
    Path config =
        Files.writeString(
            directory.resolve("c.yaml"),
            "sources: { fail2ban: { directory: " + tree + " } }\nrules: []\n");
    Said whole = commands.run("explain", "-c", config.toString(), log.toString());

    assertThat(whole.exitCode()).as(whole.err()).isZero();
    assertThat(whole.out())
        .contains("matched         4")
        .contains("ignored         2")
        .contains("missed          1")
        .contains("STAMP");
    Said line = commands.run("explain", "-c", config.toString(), LINES.get(2));
    assertThat(line.out())
        .contains("client        198.51.100.1")
        .contains("user          eve")
        .contains("time          2026-11-21 07:00:02");
  }

  @Test
  void doctor_filterThatFindsLittle_isNoFinding() throws IOException {
    Files.write(log, List.of("Nov 21 07:00:00 gate door[7]: all is well"));
    Config config =
        new ConfigLoader()
            .parse(
                "c",
                ("sources: { fail2ban: { directory: " + tree + " } }").getBytes(UTF_8),
                directory)
            .orThrow();

    List<Finding> findings =
        new SourceCheckup(
                config,
                Protections.of(config, HostAddresses.NONE),
                HostFiles.REAL,
                commands.shell(System.out, System.err))
            .look(config.sources().getFirst());

    assertThat(findings.toString()).contains("the filter knows 0 of the last 1 lines");
  }
}
