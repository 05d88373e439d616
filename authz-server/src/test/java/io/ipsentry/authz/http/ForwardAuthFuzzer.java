package io.ipsentry.authz.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.net.Address;
import io.ipsentry.net.AddressParser;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Any bytes on a connection; and headers in any order and number against a naive reading. */
final class ForwardAuthFuzzer {
  private static final String HEADERS = "(?:[a-z-]+: [^\r\n]*\r\n)*?";
  private static final Pattern ANSWER =
      Pattern.compile(
          "HTTP/1\\.1 ([0-9]{3}) [A-Za-z -]+\r\n%1$scontent-length: ([0-9]+)\r\n%1$s\r\n"
              .formatted(HEADERS));

  private static final List<String> NAMES =
      List.of(
          "X-Forwarded-For",
          "x-forwarded-for",
          "X-Forwarded-Uri",
          "X-FORWARDED-URI",
          "X-Forwarded-Host",
          "X-Forwarded-Method",
          "X-Original-URI",
          "X-Original-Method",
          "X-Real-IP",
          "User-Agent",
          "X-Ip-Sentry-Token",
          "X-Forwarded-Fo",
          "X-Other");

  private static final List<String> VALUES =
      List.of(
          "192.0.2.1",
          "203.0.113.7",
          "a, 192.0.2.1",
          "203.0.113.7,192.0.2.1:80",
          ",",
          " ",
          "/.env?x",
          "::ffff:192.0.2.1",
          "192.0.2.1, 192.0.2.1",
          ", 192.0.2.1",
          "app.example, b",
          "GET",
          "*");

  /** Whatever comes, each byte of the answers belongs to a whole answer, and nothing is held. */
  @FuzzTest(maxDuration = "2m")
  void connection_anyBytes_answersWholeOrEnds(byte[] input) {
    ScriptedJudge judge = ScriptedJudge.refusingBanned();
    ServerState state = ConnectionRig.state(judge, false, 64);
    try (ConnectionRig rig = new ConnectionRig(state, "192.0.2.1")) {
      String text = new String(input, StandardCharsets.ISO_8859_1);
      int cut = text.length() / 2;
      String answers = rig.ask(text.substring(0, cut)) + rig.ask(text.substring(cut));
      int count = 0;
      Matcher answer = ANSWER.matcher(answers);
      int at = 0;
      while (at < answers.length()) {
        assertThat(answer.region(at, answers.length()).lookingAt()).as(answers).isTrue();
        int body = Integer.parseInt(answer.group(2));
        // None of the scripted calls can be HEAD without the fuzzer writing it.
        at = answer.end() + (text.contains("HEAD") ? bodyThere(answers, answer.end(), body) : body);
        count++;
      }
      assertThat(at).isEqualTo(answers.length());
      assertThat(count).isGreaterThanOrEqualTo(judge.asked().size());
      assertThat(state.counters().snapshot().errors()).isZero();
      rig.passTime(Duration.ofMinutes(10));
      rig.passTime(Duration.ofMinutes(10));
      assertThat(rig.isOpen()).isFalse();
      assertThat(state.counters().snapshot().inFlight()).isZero();
    }
  }

  private static int bodyThere(String answers, int from, int length) {
    return answers.startsWith("HTTP/1.1 ", from) || from == answers.length() ? 0 : length;
  }

  /** The same as a reading that keeps every header as it stands and picks by the documented law. */
  @FuzzTest(maxDuration = "2m")
  void mapping_anyHeaders_isTheNaiveOne(FuzzedDataProvider data) {
    ScriptedJudge judge =
        new ScriptedJudge(target -> Judgement.Reason.NOT_BANNED.allowed(), "x-real-ip");
    List<String[]> headers = new ArrayList<>();
    StringBuilder lines = new StringBuilder();
    for (int i = data.consumeInt(0, 12); i > 0; i--) {
      String name = data.pickValue(NAMES);
      String value = data.consumeBoolean() ? data.pickValue(VALUES) : visible(data);
      headers.add(new String[] {name.toLowerCase(Locale.ROOT), value.strip()});
      lines.append(name).append(": ").append(value).append("\r\n");
    }
    boolean direct = data.consumeBoolean();
    String target =
        direct
            ? "/ext-authz/" + data.consumeAsciiString(5).replaceAll("[^a-z?]", "")
            : "/forward-auth";
    try (ConnectionRig rig =
        new ConnectionRig(ConnectionRig.state(judge, false, 64), "192.0.2.1")) {
      assertThat(rig.ask(ConnectionRig.get(target, lines.toString()))).startsWith("HTTP/1.1 200 ");
    }

    ScriptedJudge.Asked asked = judge.lastAsked();
    assertThat(asked.clientHeader()).isEqualTo(last(headers, "x-real-ip"));
    assertThat(asked.userAgent()).isEqualTo(last(headers, "user-agent"));
    assertThat(asked.forwardedFor()).isEqualTo(forwardedFor(headers));
    if (direct) {
      assertThat(asked.method()).isEqualTo("GET");
      assertThat(asked.host()).isEqualTo("authz.example");
      assertThat(asked.target()).isEqualTo(target.substring("/ext-authz".length()));
      return;
    }
    boolean forwarded =
        last(headers, "x-forwarded-uri") != null || last(headers, "x-forwarded-method") != null;
    String prefix = forwarded ? "x-forwarded-" : "x-original-";
    assertThat(asked.method()).isEqualTo(last(headers, prefix + "method"));
    // An empty target is none.
    String uri = last(headers, prefix + "uri");
    assertThat(asked.target()).isEqualTo(uri == null || uri.isEmpty() ? null : uri);
    String host = last(headers, "x-forwarded-host");
    assertThat(asked.host())
        .isEqualTo(
            host == null
                ? null
                : host.substring(host.lastIndexOf(',') + 1).replaceFirst("^ +", ""));
  }

  /** Characters that a header may have. */
  private static String visible(FuzzedDataProvider data) {
    return data.consumeAsciiString(20)
        .chars()
        .filter(c -> c >= ' ' && c < 0x7f)
        .mapToObj(Character::toString)
        .collect(Collectors.joining());
  }

  private static @Nullable String last(List<String[]> headers, String name) {
    return headers.stream()
        .filter(header -> header[0].equals(name))
        .map(header -> header[1])
        .reduce(null, (before, value) -> value);
  }

  private static @Nullable String forwardedFor(List<String[]> headers) {
    List<String> lists =
        headers.stream()
            .filter(header -> header[0].equals("x-forwarded-for"))
            .map(header -> header[1])
            .toList();
    if (lists.isEmpty()) {
      return null;
    }
    String list = String.join(",", lists);
    int comma = list.lastIndexOf(',');
    if (comma < 0) {
      return list;
    }
    byte[] hop = list.substring(comma + 1).getBytes(StandardCharsets.US_ASCII);
    Address address = new Address();
    boolean own =
        AddressParser.parseHostPort(hop, 0, hop.length, address)
            && address.toString().equals("192.0.2.1");
    boolean others = !list.substring(0, comma).replaceAll("[, \t]", "").isEmpty();
    return own && others ? list.substring(0, comma) : list;
  }
}
