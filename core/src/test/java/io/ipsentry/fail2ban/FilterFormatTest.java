package io.ipsentry.fail2ban;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.line.Failure;
import io.ipsentry.line.LocalZone;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a filter makes of lines, by filters that are written here. */
final class FilterFormatTest {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");

  /** A filter under way. */
  private static final class Reading {
    private final FilterFormat format;
    private final RequestFacts facts = new RequestFacts();

    Reading(Filter filter) {
      format =
          new FilterFormat(
              CompiledFilter.compile(filter),
              new LocalZone(ZoneId.of("Europe/Berlin"), InstantSource.fixed(NOW)));
    }

    /** The client of a failure; {@code ignored}, or {@code missed}. */
    String line(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      if (!format.parse(bytes, 0, bytes.length, facts)) {
        return "missed";
      }
      return failure().isIgnored() ? "ignored" : facts.client().toString();
    }

    List<String> lines(String... texts) {
      List<String> found = new ArrayList<>();
      for (String text : texts) {
        found.add(line(text));
      }
      return found;
    }

    Failure failure() {
      return Objects.requireNonNull(facts.failure());
    }

    String time() {
      long millis = facts.eventTimeMillis(Long.MAX_VALUE);
      return millis == RequestFacts.NO_TIME ? "none" : Instant.ofEpochMilli(millis).toString();
    }
  }

  private static Filter filter(String... failregex) {
    return new Filter(
        List.of(failregex), List.of(), Optional.empty(), 1, List.of(), true, PrefixSet.empty());
  }

  private static Filter withDates(String... datepattern) {
    return new Filter(
        List.of("failed <HOST>"),
        List.of(),
        Optional.empty(),
        1,
        List.of(datepattern),
        true,
        PrefixSet.empty());
  }

  @ParameterizedTest
  @CsvSource({
    "192.0.2.1, 192.0.2.1",
    "2001:db8::1, 2001:db8::1",
    "[2001:db8::1], 2001:db8::1",
    "::ffff:192.0.2.1, 192.0.2.1",
    "[192.0.2.1], 192.0.2.1",
    "2001:db8:0:0:0:0:0:1, 2001:db8:0:0:0:0:0:1",
    "2001:db8::, 2001:db8::",
    "client.example.net, client.example.net"
  })
  void host_addressOrName_isTaken(String written, String client) {
    assertThat(
            new Reading(filter("^ failed <HOST>: x$"))
                .line("21/Nov/2026:10:00:00 failed " + written + ": x"))
        .isEqualTo(client);
  }

  @Test
  void host_withoutNames_takesAddressesOnly() {
    Filter noNames =
        new Filter(
            List.of("failed <HOST>$"),
            List.of(),
            Optional.empty(),
            1,
            List.of(),
            false,
            PrefixSet.empty());

    assertThat(new Reading(noNames).lines("failed host.example.net", "failed 192.0.2.1"))
        .containsExactly("missed", "192.0.2.1");
  }

  @Test
  void line_stamp_isCutOutAndTheRestHasALineFeed() {
    Reading reading = new Reading(filter("^\\[\\] knock <HOST>\\n$"));

    assertThat(reading.line("[2026-11-21 10:00:00] knock 192.0.2.1")).isEqualTo("192.0.2.1");
    assertThat(reading.time()).isEqualTo("2026-11-21T09:00:00Z");
  }

  @Test
  void line_firstExpressionThatMatches_decides() {
    Reading reading = new Reading(filter("^b (?P<x>.) <HOST>", "^. . <HOST>", "<HOST>"));

    reading.line("b c 192.0.2.1");
    assertThat(reading.failure().expression()).isEqualTo("^b (?P<x>.) <HOST>");
    assertThat(reading.failure().values()).containsEntry("x", "c");
    reading.line("a c 192.0.2.1");
    assertThat(reading.failure().expression()).isEqualTo("^. . <HOST>");
  }

  @Test
  void ignoreregex_before_orBehindTheFailure_isHeeded() {
    for (int failregexes : new int[] {1, 5}) {
      List<String> expressions = new ArrayList<>(List.of("failed <HOST>"));
      while (expressions.size() < failregexes) {
        expressions.add("never" + expressions.size() + " <HOST>");
      }
      Filter filter =
          new Filter(
              expressions,
              List.of("monitor"),
              Optional.empty(),
              1,
              List.of(),
              true,
              PrefixSet.empty());

      assertThat(
              new Reading(filter)
                  .lines("failed 192.0.2.1 monitor", "failed 192.0.2.1", "nothing at all"))
          .containsExactly("ignored", "192.0.2.1", "missed");
    }
  }

  @Test
  void ignoreip_address_isIgnored() {
    Filter filter =
        filter("failed <HOST>").ignoring(PrefixSet.of(List.of(IpPrefix.parse("192.0.2.0/24"))));

    assertThat(new Reading(filter).lines("failed 192.0.2.9", "failed 198.51.100.1"))
        .containsExactly("ignored", "198.51.100.1");
  }

  @Test
  void prefregex_content_isWhatTheOthersLookAt() {
    Filter filter =
        new Filter(
            List.of("^bad <F-USER>\\w+</F-USER>$"),
            List.of(),
            Optional.of("^ app <HOST>: <F-CONTENT>.+</F-CONTENT> end$"),
            1,
            List.of(),
            true,
            PrefixSet.empty());
    Reading reading = new Reading(filter);

    assertThat(reading.lines("10:00:00 app 192.0.2.1: bad root end", "10:00:00 app 192.0.2.1: bad"))
        .containsExactly("192.0.2.1", "missed");
    reading.line("10:00:00 app 192.0.2.1: bad root end");
    assertThat(reading.failure().values()).isEqualTo(Map.of("ip4", "192.0.2.1", "user", "root"));
  }

  @Test
  void alternatives_fillWhatIsEmpty() {
    Reading reading =
        new Reading(
            filter("^(?:a <F-USER>\\w*</F-USER>)? ?b <F-ALT_USER_1>\\w+</F-ALT_USER_1> <HOST>"));

    reading.line("a  b root 192.0.2.1");
    assertThat(reading.failure().values()).containsEntry("user", "root");
  }

  @Test
  void conditional_isUnderstood() {
    Reading reading = new Reading(filter("^(?P<q>\")?user(?(q)\"|') <HOST>$"));

    assertThat(reading.lines("\"user\" 192.0.2.1", "user' 192.0.2.2", "\"user' 192.0.2.3"))
        .containsExactly("192.0.2.1", "192.0.2.2", "missed");
  }

  // ---- several lines of one connection

  private static Filter connections() {
    return new Filter(
        List.of(
            "^<F-NOFAIL>hello</F-NOFAIL> <HOST>",
            "^failed(?: <F-USER>\\w+</F-USER>)?$",
            "^<F-MLFFORGET><F-MLFGAINED>ok</F-MLFGAINED></F-MLFFORGET> <F-USER>\\w+</F-USER>",
            "^<F-NOFAIL>try</F-NOFAIL> <F-USER>\\w+</F-USER>",
            "^<F-MLFFORGET><F-NOFAIL>bye</F-NOFAIL></F-MLFFORGET>"),
        List.of(),
        Optional.of("^<F-MLFID>\\d+</F-MLFID> <F-CONTENT>.+</F-CONTENT>$"),
        1,
        List.of("{NONE}"),
        true,
        PrefixSet.empty());
  }

  @Test
  void connection_addressOfAnEarlierLine_isThatOfTheFailure() {
    assertThat(
            new Reading(connections()).lines("1 hello 192.0.2.1", "2 hello 192.0.2.2", "1 failed"))
        .containsExactly("missed", "missed", "192.0.2.1");
  }

  @Test
  void connection_failureBeforeTheAddress_waitsForIt() {
    assertThat(
            new Reading(connections()).lines("1 failed", "1 hello 192.0.2.1", "1 hello 192.0.2.1"))
        .containsExactly("missed", "192.0.2.1", "missed");
  }

  @Test
  void connection_success_clearsWhatWaits() {
    assertThat(
            new Reading(connections())
                .lines("1 failed root", "1 ok root", "1 hello 192.0.2.1", "1 failed"))
        .containsExactly("missed", "missed", "missed", "192.0.2.1");
  }

  @Test
  void connection_severalUsers_areAFailureDespiteSuccess() {
    assertThat(new Reading(connections()).lines("1 hello 192.0.2.1", "1 try root", "1 ok admin"))
        .containsExactly("missed", "missed", "192.0.2.1");
  }

  @Test
  void connection_end_forgetsIt() {
    assertThat(new Reading(connections()).lines("1 hello 192.0.2.1", "1 bye", "1 failed"))
        .containsExactly("missed", "missed", "missed");
  }

  @Test
  void connections_many_areBounded() {
    Reading reading = new Reading(connections());
    for (int i = 0; i <= Connections.MAX_CONNECTIONS; i++) {
      reading.line(i + " hello 192.0.2.1");
    }

    assertThat(reading.lines("0 failed", Connections.MAX_CONNECTIONS + " failed"))
        .containsExactly("missed", "192.0.2.1");
  }

  // ---- several lines together

  private static Filter manyLines(String failregex, String... ignoreregex) {
    return new Filter(
        List.of(failregex),
        List.of(ignoreregex),
        Optional.empty(),
        4,
        List.of("{NONE}"),
        true,
        PrefixSet.empty());
  }

  @Test
  void maxlines_expressionOverLines_matchesOnce() {
    Reading reading = new Reading(manyLines("^begin <HOST>$<SKIPLINES>^end$"));

    assertThat(reading.lines("begin 192.0.2.1", "other", "end", "end", "begin 192.0.2.2", "end"))
        .containsExactly("missed", "missed", "192.0.2.1", "missed", "missed", "192.0.2.2");
  }

  @Test
  void maxlines_skippedLines_mayBePartOfTheNextMatch() {
    Reading reading = new Reading(manyLines("^begin (?P<n>\\d) <HOST>$<SKIPLINES>^end (?P=n)$"));

    assertThat(reading.lines("begin 1 192.0.2.1", "begin 2 192.0.2.2", "end 1", "end 2"))
        .containsExactly("missed", "missed", "192.0.2.1", "192.0.2.2");
  }

  @Test
  void maxlines_farApart_doNotMatch() {
    Reading reading = new Reading(manyLines("^begin <HOST>$<SKIPLINES>^end$"));

    assertThat(reading.lines("begin 192.0.2.1", "1", "2", "3", "end")).containsOnly("missed");
  }

  @Test
  void maxlines_ignoreregex_isTriedOnTheMatchedLines() {
    Reading reading =
        new Reading(manyLines("^begin <HOST>$<SKIPLINES>^end$", "begin 192\\.0\\.2\\.1"));

    assertThat(reading.lines("begin 192.0.2.1", "end", "begin 192.0.2.2", "end"))
        .containsExactly("missed", "ignored", "missed", "192.0.2.2");
  }

  // ---- stamps

  @ParameterizedTest
  @CsvSource({
    "2026-11-21T10:00:00.250+01:00, 2026-11-21T09:00:00.250Z",
    "2026-11-21 10:00:00, 2026-11-21T09:00:00Z",
    "2026/11/21 10:00:00, 2026-11-21T09:00:00Z",
    "2026.11.21 10:00:00, 2026-11-21T09:00:00Z",
    "Nov 21 10:00:00, 2026-11-21T09:00:00Z",
    "Sat Nov 21 10:00:00 2026, 2026-11-21T09:00:00Z",
    "Sat Nov 21 10:00:00.123456 2026, 2026-11-21T09:00:00.123Z",
    "Sat Nov 21 2026 10:00:00, 2026-11-21T09:00:00Z",
    "21/11/2026 10:00:00, 2026-11-21T09:00:00Z",
    "21-11-26 10:00:00, 2026-11-21T09:00:00Z",
    "21/Nov/2026:10:00:00 +0000, 2026-11-21T10:00:00Z",
    "21-Nov-2026 10:00:00.250, 2026-11-21T09:00:00.250Z",
    "11/21/2026:10:00:00, 2026-11-21T09:00:00Z",
    "11-21-2026 10:00:00, 2026-11-21T09:00:00Z",
    "1795251600, 2026-11-21T09:00:00Z",
    "1795251600.250, 2026-11-21T09:00:00.250Z",
    "10:00:00, 2026-11-21T09:00:00Z",
    "23:00:00, 2026-11-20T22:00:00Z",
    "<11/21/26@10:00:00>, 2026-11-21T09:00:00Z",
    "261121 10:00:00, 2026-11-21T09:00:00Z",
    "'Nov 21, 2026 10:00:00 PM', 2026-11-21T21:00:00Z",
    "Nov-21-26 10:00:00, 2026-11-21T09:00:00Z",
    "20261121T100000, 2026-11-21T09:00:00Z",
    "CET Nov 21 10:00:00, 2026-11-21T09:00:00Z",
    "+02:00 Nov 21 10:00:00, 2026-11-21T08:00:00Z",
    "Dec 31 23:00:00, 2025-12-31T22:00:00Z",
    "@400000006b0141100a0b0c0d, 2026-11-21T06:58:24Z"
  })
  void stamp_usualForm_isRead(String stamp, String time) {
    Reading reading = new Reading(withDates());

    assertThat(reading.line(stamp + " failed 192.0.2.1")).isEqualTo("192.0.2.1");
    assertThat(reading.time()).isEqualTo(time);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "%Y-%j %H:%M:%S|2026-325 10:00:00|2026-11-21T09:00:00Z",
        "{^LN-BEG}%d %B %Y %l:%M:%S %p|21 November 2026  9:00:00 AM|2026-11-21T08:00:00Z",
        "^{DATE}|2026-11-21 10:00:00|2026-11-21T09:00:00Z",
        "^\\[({DATE})|[21/Nov/2026:10:00:00 +0000] x|2026-11-21T10:00:00Z",
        "time=(%s)|time=1|none",
        "LEPOCH|1795251600250|2026-11-21T09:00:00.250Z",
        "at {EPOCH}|at 1795251600|2026-11-21T09:00:00Z",
        "%Y-%m-%d %H:%M:%S %Exz|2026-11-21 10:00:00 EST|2026-11-21T15:00:00Z",
        "{NONE}|2026-11-21 10:00:00|none"
      })
  void stamp_ownPattern_isRead(String pattern, String stamp, String time) {
    if (pattern.contains("%s")) {
      assertThatThrownBy(() -> new Reading(withDates(pattern))).hasMessageContaining("%s");
      return;
    }
    Reading reading = new Reading(withDates(pattern));

    assertThat(reading.line(stamp + " failed 192.0.2.1")).isEqualTo("192.0.2.1");
    assertThat(reading.time()).isEqualTo(time);
  }

  @Test
  void stamp_formChangesWithinALog_isFoundAllTheSame() {
    Reading reading = new Reading(withDates());

    reading.line("2026-11-21 10:00:00 failed 192.0.2.1");
    reading.line("Nov 21 11:00:00 host failed 192.0.2.1");
    assertThat(reading.time()).isEqualTo("2026-11-21T10:00:00Z");
    reading.line("x [21/Nov/2026:10:00:00 +0000] failed 192.0.2.1");
    assertThat(reading.time()).isEqualTo("2026-11-21T10:00:00Z");
    assertThat(reading.line("no stamp failed 192.0.2.1")).isEqualTo("192.0.2.1");
    assertThat(reading.time()).isEqualTo("none");
    assertThat(reading.format.stamps().values()).containsExactly(1L, 1L, 1L);
  }

  @Test
  void stamp_dayThatDoesNotExist_isNone() {
    Reading reading = new Reading(withDates());

    assertThat(reading.line("2026-02-31 10:00:00 failed 192.0.2.1")).isEqualTo("192.0.2.1");
    assertThat(reading.time()).isEqualTo("none");
  }

  // ---- what cannot be used

  @Test
  void filter_thatCannotBeUsed_saysWhy() {
    assertThatThrownBy(() -> new Reading(filter("^no one$"))).hasMessageContaining("<HOST>");
    assertThatThrownBy(() -> new Reading(filter("^(<HOST>"))).hasMessageContaining("failregex");
    assertThatThrownBy(() -> new Reading(withDates("%Q"))).hasMessageContaining("%Q");
    assertThatThrownBy(() -> filter()).hasMessageContaining("no failregex");
  }

  @Test
  void bounded_expressions_areNamedWithTheConstruct() {
    Map<String, String> bounded =
        CompiledFilter.compile(
                filter(
                    "^a <HOST>$",
                    "^(?!b)<HOST>",
                    "^(?P<q>.)(?P=q) <HOST>",
                    "(?P<z>a)?(?(z)b|c) <HOST>"))
            .bounded();

    assertThat(bounded.values()).containsExactly("look-ahead", "back-reference", "conditional");
  }
}
