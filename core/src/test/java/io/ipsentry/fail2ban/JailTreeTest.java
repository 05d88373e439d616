package io.ipsentry.fail2ban;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Escalation;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What jails and filters say, after all that is read for them. */
final class JailTreeTest {
  private static final String DOOR =
      """
      [Definition]
      failregex = ^knock from <HOST>$
      """;

  private static MemoryTree tree(String jails) {
    return new MemoryTree().file("jail.conf", jails).file("filter.d/door.conf", DOOR);
  }

  @Test
  void jail_plain_hasDefaults() {
    Jail jail =
        tree("[door]\nenabled = true\nfilter = door\nlogpath = /var/log/door.log\n")
            .jails()
            .jail("door");

    assertThat(jail.filter().failregex()).containsExactly("^knock from <HOST>$");
    assertThat(jail.logs()).containsExactly("/var/log/door.log");
    assertThat(jail.maxretry()).isEqualTo(3);
    assertThat(jail.findtime()).isEqualTo(Duration.ofMinutes(10));
    assertThat(jail.ban()).isEqualTo(new BanTerms(Duration.ofMinutes(10), null));
    assertThat(jail.notes()).isEmpty();
  }

  @Test
  void enabled_amongMany_areThoseSwitchedOn() {
    JailTree jails =
        tree("[DEFAULT]\nenabled = false\n[a]\nenabled = yes\n[b]\n[c]\nenabled=1\n").jails();

    assertThat(jails.enabled()).containsExactly("a", "c");
    assertThat(jails.names()).containsExactly("a", "b", "c");
  }

  @Test
  void jail_laterFiles_overrideEarlierOnes() {
    MemoryTree tree =
        tree("[door]\nfilter = door\nlogpath = /a\nmaxretry = 1\nbantime = 1\nfindtime = 1\n")
            .file("jail.d/20.conf", "[door]\nmaxretry = 3\n")
            .file("jail.d/10.conf", "[door]\nmaxretry = 2\nbantime = 2\n")
            .file("jail.local", "[door]\nmaxretry = 4\nfindtime = 4\n")
            .file("jail.d/a.local", "[door]\nmaxretry = 5\n");

    Jail jail = tree.jails().jail("door");

    assertThat(jail.maxretry()).isEqualTo(5);
    assertThat(jail.findtime()).isEqualTo(Duration.ofSeconds(4));
    assertThat(jail.ban().length()).isEqualTo(Duration.ofSeconds(2));
  }

  @Test
  void sections_includes_comeBeforeAndAfterWithTheirLocals() {
    MemoryTree tree =
        new MemoryTree()
            .file(
                "x.conf",
                "[INCLUDES]\nbefore = b.conf\n  c.conf\nafter = a.conf\n[S]\no = x\np = x\nq = x\n")
            .file("b.conf", "[S]\no = b\np = b\nr = b\ns = b\n")
            .file("b.local", "[S]\ns = b.local\n")
            .file("c.conf", "[INCLUDES]\nbefore = x.conf\n[S]\nr = c\n")
            .file("a.conf", "[S]\nq = a\n");

    ConfigSections sections = tree.tree().sections("x").orElseThrow();

    assertThat(
            List.of("o", "p", "q", "r", "s").stream()
                .map(o -> sections.get("S", o, Map.of()).orElse("none")))
        .containsExactly("x", "x", "a", "c", "b.local");
  }

  @Test
  void jail_percentNames_areFilledIn() {
    Jail jail =
        tree("""
        [DEFAULT]
        base = /var/log
        retry = 7
        [paths]
        name = door
        [door]
        filter = %(__name__)s
        logpath = %(base)s/%(paths/name)s.log
                  %(base)s/100%%.log tail
        maxretry = %(default/retry)s
        """)
            .jails()
            .jail("door");

    assertThat(jail.logs()).containsExactly("/var/log/door.log", "/var/log/100%.log");
    assertThat(jail.maxretry()).isEqualTo(7);
  }

  @Test
  void jail_knownNames_areTheValuesBefore() {
    MemoryTree tree =
        tree("[door]\nfilter = door\nlogpath = /a\nfailregex = %(known/failregex)s\n  ^or <HOST>\n")
            .file(
                "filter.d/door.local",
                "[Definition]\nfailregex = %(known/failregex)s\n  ^x <HOST>\n");

    assertThat(tree.jails().jail("door").filter().failregex())
        .containsExactly("^knock from <HOST>$", "^x <HOST>", "^or <HOST>");
  }

  @Test
  void filter_bracketsInitAndTags_areResolvedInnermostFirst() {
    MemoryTree tree =
        new MemoryTree()
            .file(
                "jail.conf",
                """
                [a]
                filter = gate[mode=loud, what="a, b"][end='$']
                logpath = /a
                [b]
                filter = gate
                logpath = /a
                """)
            .file(
                "filter.d/gate.conf",
                """
                [INCLUDES]
                before = words.conf
                [Definition]
                re-quiet = ^quiet
                re-loud = ^loud <what>
                failregex = <re-<mode>> <HOST><words/tail><end>
                [Init]
                mode = quiet
                what = nothing
                end =
                """)
            .file("filter.d/words.conf", "[words]\ntail = \\s*\n");

    assertThat(tree.jails().jail("a").filter().failregex())
        .containsExactly("^loud a, b <HOST>\\s*$");
    assertThat(tree.jails().jail("b").filter().failregex()).containsExactly("^quiet <HOST>\\s*");
  }

  @Test
  void jail_ownOptions_areStrongerThanThoseOfTheFilter() {
    Jail jail =
        tree("""
        [door]
        filter = door
        backend = systemd
        failregex = ^own <HOST>
        ignoreregex = ^never
        datepattern = %%Y-%%m-%%d
        maxlines = 2
        usedns = no
        journalmatch = _SYSTEMD_UNIT=door.service + _COMM=door
        logtimezone = UTC+0200
        """)
            .jails()
            .jail("door");

    assertThat(jail.filter().failregex()).containsExactly("^own <HOST>");
    assertThat(jail.filter().ignoreregex()).containsExactly("^never");
    assertThat(jail.filter().datepattern()).containsExactly("%Y-%m-%d");
    assertThat(jail.filter().maxlines()).isEqualTo(2);
    assertThat(jail.filter().names()).isFalse();
    assertThat(jail.logs()).isEmpty();
    assertThat(jail.journal()).containsExactly("_SYSTEMD_UNIT=door.service", "+", "_COMM=door");
    assertThat(jail.logTimezone()).contains(ZoneOffset.ofHours(2));
  }

  @Test
  void ban_increment_becomesAnEscalation() {
    MemoryTree tree =
        tree("""
        [DEFAULT]
        filter = door
        logpath = /a
        bantime = 1h
        bantime.increment = true
        bantime.overalljails = true
        [lists]
        bantime.multipliers = 1 5 30
        bantime.maxtime = 2d
        bantime.rndtime = 5m
        [doubles]
        bantime.factor = 2
        [powers]
        bantime.formula = ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)
        [other]
        bantime.formula = ban.Time * 7
        [forever]
        bantime = -1
        """)
            .file("fail2ban.conf", "[Definition]\ndbpurgeage = 3d\n");

    assertThat(tree.jails().jail("lists").ban())
        .isEqualTo(
            new BanTerms(
                Duration.ofHours(1),
                new Escalation(
                    1,
                    List.of(1.0, 5.0, 30.0),
                    Duration.ofDays(2),
                    Duration.ofMinutes(5),
                    Duration.ofDays(5))));
    assertThat(escalation(tree, "doubles").factor()).isEqualTo(2);
    assertThat(escalation(tree, "doubles").multipliers()).isEmpty();
    assertThat(escalation(tree, "powers").multipliers())
        .startsWith(1.0, Math.E)
        .hasSizeBetween(10, 31);
    assertThat(tree.jails().jail("other").notes().toString()).contains("formula is not run");
    assertThat(tree.jails().jail("forever").ban()).isEqualTo(new BanTerms(null, null));
  }

  @Test
  void jail_whatHasNoMeaningHere_isToldWithItsPlace() {
    Jail jail =
        tree("""
        [door]
        filter = door
        logpath = /a
        ignorecommand = /bin/ask <ip>
        ignoreself = false
        usedns = yes
        logencoding = latin1
        action = iptables[name="a b"]
                 mail[dest=x]
        """)
            .jails()
            .jail("door");

    assertThat(jail.notes().stream().map(Jail.Note::place))
        .containsExactly(
            "/f2b/jail.conf:4", "/f2b/jail.conf:5", "/f2b/jail.conf:6", "/f2b/jail.conf:7");
    assertThat(jail.actions().stream().map(Jail.Action::name)).containsExactly("iptables", "mail");
  }

  @Test
  void jail_thatCannotBeUsed_saysWhyAndWhere() {
    MemoryTree tree =
        tree(
            """
            [gone]
            filter = nothing
            logpath = /a
            [loop]
            filter = door
            a = %(b)s
            b = %(a)s
            logpath = %(a)s
            [nolog]
            filter = door
            [unnamed]
            logpath = /a
            [retry]
            filter = door
            logpath = /a
            maxretry = many
            """);

    assertThatThrownBy(() -> tree.jails().jail("gone")).hasMessageContaining("no filter nothing");
    assertThatThrownBy(() -> tree.jails().jail("loop"))
        .hasMessageContaining("/f2b/jail.conf:8: %(…)s leads to itself");
    assertThatThrownBy(() -> tree.jails().jail("nolog")).hasMessageContaining("no logpath");
    assertThatThrownBy(() -> tree.jails().jail("unnamed")).hasMessageContaining("names no filter");
    assertThatThrownBy(() -> tree.jails().jail("retry")).hasMessageContaining("maxretry is 'many'");
    assertThatThrownBy(() -> tree.jails().jail("absent")).hasMessageContaining("no jail absent");
    assertThatThrownBy(() -> new MemoryTree().jails()).hasMessageContaining("no jail.conf");
    assertThatThrownBy(() -> tree("[a]\nnot an option\n").jails())
        .hasMessageContaining("/f2b/jail.conf:2:");
  }

  @Test
  void filter_tagThatLeadsToItself_isRefused() {
    MemoryTree tree =
        new MemoryTree()
            .file("jail.conf", "[a]\nfilter = a\nlogpath = /a\n")
            .file("filter.d/a.conf", "[Definition]\na = <b>\nb = x<a>\nfailregex = <a> <HOST>\n");

    assertThatThrownBy(() -> tree.jails().jail("a")).hasMessageContaining("leads to itself");
  }

  @Test
  void file_commentsAndContinuations_areReadAsConfigParserDoes() {
    MemoryTree tree =
        tree(
            """
            # [no]
            [door]   ; a comment
            filter = door ; another
            logpath: /a;b
                # within
                /b

                /c
            maxretry = 2
            """);

    Jail jail = tree.jails().jail("door");

    assertThat(jail.logs()).containsExactly("/a;b", "/b", "/c");
    assertThat(jail.maxretry()).isEqualTo(2);
  }

  private static Escalation escalation(MemoryTree tree, String jail) {
    return Objects.requireNonNull(tree.jails().jail(jail).ban().escalation());
  }
}
