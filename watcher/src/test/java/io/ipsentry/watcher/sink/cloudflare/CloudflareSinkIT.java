package io.ipsentry.watcher.sink.cloudflare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.http.ResponseDefinition;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.config.Secret;
import io.ipsentry.config.SinkConfig.Account;
import io.ipsentry.config.SinkConfig.ApiKey;
import io.ipsentry.config.SinkConfig.ApiToken;
import io.ipsentry.config.SinkConfig.Mode;
import io.ipsentry.config.SinkConfig.User;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.sink.SinkEntry;
import io.ipsentry.sink.SinkEvents;
import io.ipsentry.sink.SinkException;
import io.ipsentry.sink.SinkException.Kind;
import io.ipsentry.sink.SinkWorld;
import io.ipsentry.sink.SteppedSink;
import io.ipsentry.watcher.sink.cloudflare.FakeCloudflare.Rule;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the API may answer, and what becomes of it. */
final class CloudflareSinkIT {
  private static final IpPrefix ONE = IpPrefix.parse("203.0.113.7");
  private static final IpPrefix TWO = IpPrefix.parse("203.0.113.8");
  private static final String ZONE_PATH = "zones/" + FakeCloudflare.ZONE;
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private static final FakeCloudflare cloudflare = new FakeCloudflare();
  private final Deque<CloudflareSink> opened = new ArrayDeque<>();
  private final SinkWorld world = new SinkWorld();
  private final CloudflareSink sink = open(Sinking.in(cloudflare).sink(world::nanoTime));

  private CloudflareSink open(CloudflareSink made) {
    opened.add(made);
    return made;
  }

  @AfterEach
  void close() {
    opened.forEach(CloudflareSink::close);
    cloudflare.reset();
  }

  @AfterAll
  static void stop() {
    cloudflare.close();
  }

  private static SinkException failure(ThrowingCallable call) {
    return catchThrowableOfType(SinkException.class, call);
  }

  private void ban(IpPrefix ip, @Nullable Duration length) {
    world.append(SinkEvents.ban(ip, world.now(), length));
  }

  private Set<String> values() {
    Set<String> values = new TreeSet<>();
    cloudflare.rules.values().forEach(rule -> values.add(rule.value()));
    return values;
  }

  // ---- what is asked for

  @Test
  void create_eachForm_hasItsTargetAndOurNotes() {
    for (String ip :
        List.of(
            "203.0.113.7",
            "2001:db8::7",
            "198.51.100.0/24",
            "10.9.0.0/16",
            "2001:db8:1:2::/64",
            "2001:db8:3::/48",
            "2001:dba::/32")) {
      assertThat(sink.targets(IpPrefix.parse(ip))).containsExactly(IpPrefix.parse(ip));
      assertThat(sink.create(IpPrefix.parse(ip), 42)).isPresent();
    }

    assertThat(cloudflare.rules.values())
        .extracting(Rule::target)
        .containsExactly("ip", "ip6", "ip_range", "ip_range", "ip_range", "ip_range", "ip_range");
    assertThat(cloudflare.rules.values())
        .allMatch(rule -> rule.notes().equals("ip-sentry home ban=42"))
        .allMatch(rule -> rule.mode().equals("block"));
  }

  @Test
  void targets_otherPrefixes_areExactlyTheirParts() {
    assertThat(sink.targets(IpPrefix.parse("198.51.100.0/22")))
        .extracting(IpPrefix::toString)
        .containsExactly(
            "198.51.100.0/24", "198.51.101.0/24", "198.51.102.0/24", "198.51.103.0/24");
    assertThat(sink.targets(IpPrefix.parse("198.51.100.128/25"))).hasSize(128);
    assertThat(sink.targets(IpPrefix.parse("10.0.0.0/8"))).hasSize(256);
    assertThat(sink.targets(IpPrefix.parse("8.0.0.0/7"))).isEmpty();
    assertThat(sink.targets(IpPrefix.parse("2001:db8:1:8::/61")))
        .hasSize(8)
        .contains(IpPrefix.parse("2001:db8:1:f::/64"));
    assertThat(sink.targets(IpPrefix.parse("2001:db8::/33"))).isEmpty();
    assertThat(sink.targets(IpPrefix.parse("2001:db8::8/125"))).hasSize(8);
    assertThat(sink.targets(IpPrefix.parse("2001:db8::/96"))).isEmpty();
  }

  @Test
  void create_otherScopesAndAKey_goThere() {
    CloudflareSink account =
        open(Sinking.in(cloudflare).scope(new Account(FakeCloudflare.ZONE)).sink());
    CloudflareSink user =
        open(
            Sinking.in(cloudflare)
                .scope(new User())
                .credential(new ApiKey(FakeCloudflare.EMAIL, new Secret(FakeCloudflare.TOKEN)))
                .mode(Mode.MANAGED_CHALLENGE)
                .sink());

    assertThat(account.create(ONE, 1)).isPresent();
    assertThat(user.create(TWO, 2)).isPresent();

    assertThat(cloudflare.rules.values())
        .extracting(Rule::scope, Rule::mode)
        .containsExactly(
            tuple("accounts/" + FakeCloudflare.ZONE, "block"), tuple("user", "managed_challenge"));
    assertThat(account.entries()).hasSize(1);
    // A zone's listing has the account's rules too; they are the account's sink's.
    assertThat(sink.entries()).isEmpty();
  }

  @Test
  void entries_onlyOurOwn_areTold() {
    cloudflare.put(ZONE_PATH, "ip", "192.0.2.1", "block", "Fail2Ban sshd");
    cloudflare.put(ZONE_PATH, "ip", "192.0.2.2", "block", "ip-sentry other ban=7");
    cloudflare.put(ZONE_PATH, "ip", "192.0.2.3", "block", "see ip-sentry home ban=7");
    cloudflare.put(ZONE_PATH, "ip", "192.0.2.4", "block", "ip-sentry home soon");
    cloudflare.put(ZONE_PATH, "country", "XX", "block", "ip-sentry home ban=7");
    cloudflare.put(ZONE_PATH, "ip", "192.0.2.5", "js_challenge", "ip-sentry home ban=8 by hand");

    assertThat(sink.entries())
        .containsExactly(
            new SinkEntry(IpPrefix.parse("192.0.2.5"), "%032x".formatted(6), 8, false));
  }

  // ---- what is answered

  @Test
  void create_tooManyRequests_waitsAsLongAsIsAsked() {
    cloudflare.before.add(FakeCloudflare.error(429, 10100, "rate limited", "17"));
    SinkException seconds = failure(() -> sink.create(ONE, 1));
    cloudflare.before.add(
        FakeCloudflare.error(429, 10100, "rate limited", "Sat, 21 Nov 2026 07:02:00 GMT"));
    SinkException date = failure(() -> sink.create(ONE, 1));
    cloudflare.before.add(FakeCloudflare.error(429, 10100, "rate limited"));
    SinkException silent = failure(() -> sink.create(ONE, 1));

    assertThat(seconds.kind()).isEqualTo(Kind.TRANSIENT);
    assertThat(seconds.retryAfter()).hasValue(Duration.ofSeconds(17));
    assertThat(date.retryAfter()).hasValue(Duration.ofMillis(119_877));
    assertThat(silent.retryAfter()).hasValue(Duration.ofMinutes(5));
  }

  @Test
  void create_otherAnswers_areOfTheirKind() {
    cloudflare.before.add(FakeCloudflare.error(503, 0, "come back"));
    assertThat(failure(() -> sink.create(ONE, 1)).kind()).isEqualTo(Kind.TRANSIENT);
    cloudflare.before.add(
        new ResponseDefinitionBuilder().withStatus(200).withBody("<html>").build());
    assertThat(failure(() -> sink.create(ONE, 1)).kind()).isEqualTo(Kind.TRANSIENT);
    cloudflare.before.add(FakeCloudflare.error(400, 6003, "Invalid request headers"));
    assertThat(failure(() -> sink.create(ONE, 1)).kind()).isEqualTo(Kind.REFUSED);
    cloudflare.before.add(FakeCloudflare.error(404, 7003, "Could not route"));
    assertThat(failure(() -> sink.create(ONE, 1)).kind()).isEqualTo(Kind.REFUSED);
    cloudflare.before.add(FakeCloudflare.error(400, 10011, "validation_error"));
    assertThat(failure(() -> sink.create(ONE, 1)).kind()).isEqualTo(Kind.CONTENT);
    cloudflare.quota = 0;
    assertThat(failure(() -> sink.create(ONE, 1)).kind()).isEqualTo(Kind.FULL);
  }

  @Test
  void create_tokenNotTaken_isRefusedAndNeverShown() {
    CloudflareSink wrong =
        open(
            Sinking.in(cloudflare)
                .credential(new ApiToken(new Secret("wrong-" + FakeCloudflare.TOKEN)))
                .sink());
    SinkException e = failure(() -> wrong.create(ONE, 1));
    cloudflare.before.add(
        FakeCloudflare.error(400, 1, "what is " + FakeCloudflare.TOKEN + "\u0007?"));
    SinkException repeated = failure(() -> sink.create(ONE, 1));

    assertThat(e.kind()).isEqualTo(Kind.REFUSED);
    assertThat(e).hasMessage("Cloudflare answered 403: Authentication error (10000)");
    assertThat(repeated).hasMessage("Cloudflare answered 400: what is … ? (1)");
  }

  @Test
  void entries_secondPageFails_isDoneAgainAsAWhole() {
    for (int i = 0; i < 60; i++) {
      ban(IpPrefix.ofV4(0xcb00_7100 + i), Duration.ofDays(1));
    }
    SteppedSink work = new SteppedSink(world, "edge", sink);
    work.run(MINUTE);
    assertThat(cloudflare.rules).hasSize(60);
    // After a restart the first page comes and the second does not.
    SteppedSink again = new SteppedSink(world, "edge", sink);
    cloudflare.calls.clear();
    cloudflare.after.add(page());
    again.run(Duration.ofMillis(1));
    again.run(MINUTE);

    assertThat(cloudflare.rules).hasSize(60);
    assertThat(cloudflare.calls).allMatch(call -> call.startsWith("GET "));
    assertThat(again.status().entries()).isEqualTo(60);
    assertThat(again.status().failures()).isEqualTo(1);
  }

  /** A page that is cut in its midst. */
  private static ResponseDefinition page() {
    return new ResponseDefinitionBuilder()
        .withStatus(200)
        .withBody("{\"success\":true,\"result\":[{\"id\":\"00")
        .build();
  }

  // ---- what comes of it

  @Test
  void work_banUnbanEndAndForeignRules_endsAsItShould() {
    cloudflare.put(ZONE_PATH, "ip", TWO.toString(), "block", "by hand");
    ban(ONE, Duration.ofHours(1));
    ban(TWO, Duration.ofHours(1));
    ban(IpPrefix.parse("2001:db8:0:7::/64"), null);
    SteppedSink work = new SteppedSink(world, "edge", sink);
    work.run(MINUTE);
    assertThat(values()).containsExactly("2001:db8:0:7::/64", "203.0.113.7", "203.0.113.8");
    assertThat(work.status().leftOut()).isEqualTo(1);
    assertThat(work.status().backlog()).isZero();

    world.append(
        new BanEvent.Unban(world.now(), IpPrefix.parse("2001:db8:0:7::/64"), "cli", "mine"));
    work.run(MINUTE);
    assertThat(values()).containsExactly("203.0.113.7", "203.0.113.8");

    work.run(Duration.ofHours(1));
    assertThat(cloudflare.rules.values()).extracting(Rule::notes).containsExactly("by hand");
  }

  @Test
  void work_anotherMode_changesOurRules() {
    ban(ONE, null);
    cloudflare.put(ZONE_PATH, "ip", TWO.toString(), "block", "by hand");
    new SteppedSink(world, "edge", sink).run(MINUTE);

    new SteppedSink(world, "edge", open(Sinking.in(cloudflare).mode(Mode.JS_CHALLENGE).sink()))
        .run(MINUTE);

    assertThat(cloudflare.rules.values())
        .extracting(Rule::mode)
        .containsExactlyInAnyOrder("js_challenge", "block");
  }

  @Test
  void work_aDayOfOutage_asksSeldomHoldsLittleAndConverges() {
    ban(ONE, Duration.ofHours(2));
    SteppedSink work = new SteppedSink(world, "edge", sink);
    work.run(MINUTE);
    Random random = new Random(10);
    List<ResponseDefinition> troubles =
        List.of(
            FakeCloudflare.noAnswer(),
            FakeCloudflare.error(500, 0, "internal"),
            FakeCloudflare.error(429, 10100, "rate limited", "300"),
            FakeCloudflare.error(403, 10000, "Authentication error"));
    cloudflare.calls.clear();
    for (int minute = 0; minute < 24 * 60; minute++) {
      cloudflare.outage(troubles.get(minute / 360));
      for (int i = 0; i < 5; i++) {
        ban(IpPrefix.ofV4(0xc633_0000 + random.nextInt(600)), Duration.ofHours(1));
      }
      work.run(MINUTE);
      assertThat(work.status().pending()).isLessThan(2_000);
    }
    assertThat(cloudflare.calls).hasSizeBetween(200, 24 * 60 * 60 / 150 + 50);
    assertThat(work.status().problem()).contains("403");

    cloudflare.outage(null);
    work.run(Duration.ofMinutes(15));

    Set<String> wanted = new TreeSet<>();
    world.parts().state().list(world.now()).forEach(each -> wanted.add(each.ban().ip().toString()));
    assertThat(wanted).hasSizeGreaterThan(100);
    assertThat(values()).isEqualTo(wanted);
    assertThat(work.status().backlog()).isZero();
    assertThat(work.status().problem()).isEmpty();
  }

  @Test
  void work_answersLostAllOverThePlace_convergesWithoutDoubles() {
    Random random = new Random(11);
    SteppedSink work = new SteppedSink(world, "edge", sink);
    for (int round = 0; round < 60; round++) {
      ban(IpPrefix.ofV4(0xcb00_7100 + random.nextInt(30)), Duration.ofMinutes(20));
      switch (random.nextInt(4)) {
        case 0 -> cloudflare.after.add(FakeCloudflare.noAnswer());
        case 1 -> cloudflare.before.add(FakeCloudflare.error(500, 0, "internal"));
        case 2 -> work = new SteppedSink(world, "edge", sink);
        default -> {}
      }
      work.run(MINUTE);
    }
    cloudflare.before.clear();
    cloudflare.after.clear();
    work.run(Duration.ofMinutes(70));
    List<String> left = new ArrayList<>();
    cloudflare.rules.values().forEach(rule -> left.add(rule.value()));

    assertThat(left).isEmpty();
    assertThat(cloudflare.calls).hasSizeGreaterThan(60);
  }
}
