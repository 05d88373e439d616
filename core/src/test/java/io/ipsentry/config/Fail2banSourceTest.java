package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleSet;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sources that are jails of a configuration tree of fail2ban. */
final class Fail2banSourceTest {
  @TempDir private Path directory;

  @BeforeEach
  void tree() throws IOException {
    Path tree = Files.createDirectories(directory.resolve("f2b/filter.d")).getParent();
    Files.writeString(
        Objects.requireNonNull(tree).resolve("jail.conf"),
        """
        [DEFAULT]
        findtime = 5m
        bantime = 2h
        ignoreip = 192.0.2.0/24 gate.example.org
        [door]
        enabled = true
        filter = door
        logpath = /var/log/door*.log
        maxretry = 7
        logtimezone = +0300
        [window]
        filter = door
        backend = systemd
        journalmatch = _COMM=window
        [broken]
        filter = nowhere
        logpath = /x
        """);
    Files.writeString(
        tree.resolve("filter.d/door.conf"), "[Definition]\nfailregex = ^(?!x)knock <HOST>$\n");
  }

  private ConfigResult parse(String yaml) {
    return new ConfigLoader().parse("c", yaml.getBytes(StandardCharsets.UTF_8), directory);
  }

  @Test
  void enabledJails_becomeSourcesAndRules() {
    ConfigResult result = parse("sources: { fail2ban: { directory: f2b } }");
    Config config = result.orThrow();

    SourceConfig source = config.sources().getFirst();
    assertThat(source.name()).isEqualTo("door");
    assertThat(source.input())
        .isEqualTo(new SourceConfig.Input.Files(List.of("/var/log/door*.log")));
    assertThat(source.timeZone()).isEqualTo(ZoneOffset.ofHours(3));
    Rule rule = config.rules().getLast();
    assertThat(rule.id().name()).isEqualTo("door");
    assertThat(rule.threshold()).isEqualTo(7);
    assertThat(rule.window()).isEqualTo(Duration.ofMinutes(5));
    assertThat(rule.ban().length()).isEqualTo(Duration.ofHours(2));
    assertThat(rule.match().failures()).isTrue();
    assertThat(rule.match().sources()).containsExactly("door");
    assertThat(config.rules()).hasSize(Config.defaults().rules().size() + 1);
    assertThat(result.warnings().toString())
        .contains("look-ahead")
        .contains("gate.example.org")
        .contains("names are not looked up");
    assertThat(result.files())
        .contains(directory.resolve("f2b/jail.conf"), directory.resolve("f2b/filter.d/door.conf"));
  }

  @Test
  void chosenJails_underAName_haveBothNames() {
    Config config =
        parse(
                "sources: { name: f, fail2ban: { directory: f2b, jails: [door, window] } }\n"
                    + "rules: []")
            .orThrow();

    assertThat(config.sources())
        .extracting(SourceConfig::name)
        .containsExactly("f.door", "f.window");
    assertThat(config.sources().getLast().input())
        .isEqualTo(
            new SourceConfig.Input.Journald(List.of(), List.of("_COMM=window"), Optional.empty()));
    assertThat(config.rules()).extracting(r -> r.id().name()).containsExactly("f.door", "f.window");
  }

  @Test
  void shadowMode_holdsForJailsToo() {
    Config config = parse("mode: shadow\nsources: { fail2ban: { directory: f2b } }").orThrow();

    assertThat(config.rules()).extracting(Rule::mode).containsOnly(Rule.Mode.SHADOW);
  }

  @Test
  void jailThatCannotBeUsed_isAnErrorThatNamesIt() {
    ConfigResult result =
        parse("sources: { fail2ban: { directory: f2b, jails: [door, broken, none] } }");

    assertThat(((ConfigResult.Invalid) result).errors().toString())
        .contains("jail broken: there is no filter nowhere")
        .contains("there is no jail none");
  }

  @Test
  void ruleOfAJailsName_isAnError() {
    ConfigResult result =
        parse(
            """
            sources: { fail2ban: { directory: f2b } }
            rules: { name: door, match: { status: 404 }, threshold: 3 }
            """);

    assertThat(((ConfigResult.Invalid) result).errors().toString()).contains("have the name door");
  }

  @Test
  void configuration_twice_isTheSame() {
    String yaml = "sources: { fail2ban: { directory: f2b } }";

    assertThat(parse(yaml).orThrow().sources()).isEqualTo(parse(yaml).orThrow().sources());
  }

  @Test
  void rulesWithoutSources_doNotHearJails() {
    RuleSet rules =
        RuleSet.compile(
            parse(
                    "sources: [{ fail2ban: { directory: f2b } }, { name: web, file:"
                        + " /var/log/door1.log }]")
                .orThrow()
                .rules());

    assertThat(rules.shared("web", Set.of("web"))).containsExactly("probing", "logins");
    assertThat(rules.shared("door", Set.of("web"))).isEmpty();
    assertThat(rules.shared("web", Set.of("door"))).isEmpty();
    assertThat(rules.shared("door", Set.of("door"))).containsExactly("door");
  }
}
