package io.ipsentry.authz.verdict;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.FeedPrefixes;
import io.ipsentry.config.ClientConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.TrustedProxies;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.rule.Ignore;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.Rule.Mode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PolicyJudgeTest {
  private static final String CLIENT = "203.0.113.7";
  private static final Rule PROBING =
      Judging.rule("probing", Mode.ENFORCE, 3, "^/\\.env", "block:^/shell", "allow:^/robots");

  private Judging judging = new Judging(Judging.config(PROBING));

  @AfterEach
  void close() {
    judging.close();
  }

  private void with(Config config) {
    judging.close();
    judging = new Judging(config);
  }

  private String word(String target) {
    return Judging.word(judging.judge(CLIENT, target));
  }

  private List<String> words(String policy, String target, int times) {
    List<String> words = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      words.add(Judging.word(judging.judge(policy, CLIENT, target, Caller.TRUSTED)));
    }
    return words;
  }

  private Denial denial(String target) {
    return ((Judgement.Denied) judging.judge(CLIENT, target)).denial();
  }

  @Test
  void judge_countedPath_refusesTheHitThatReachesTheRuleAndAllThatFollows() {
    assertThat(words("", "/.env", 4))
        .containsExactly("not-banned", "not-banned", "denied", "denied");
    assertThat(word("/")).isEqualTo("denied");
    assertThat(Judging.word(judging.judge("203.0.113.8", "/"))).isEqualTo("not-banned");
    assertThat(judging.counters.count(Verdict.BANNED)).isEqualTo(3);
    assertThat(judging.counters.count(Verdict.NOT_BANNED)).isEqualTo(3);
  }

  @Test
  void judge_addressInAFeed_isRefusedByTheFeedsName() {
    judging.feeds.set(
        FeedPrefixes.of(
            List.of(
                new FeedPrefixes.Feed("tor", "sha256:1", 8, PrefixSet.parse("2001:db8::/32")),
                new FeedPrefixes.Feed("drop", "sha256:2", 7, PrefixSet.parse("203.0.113.0/28")))));

    Denial denial = denial("/.env");
    assertThat(denial.rule()).isEqualTo("drop");
    assertThat(denial.banId()).isEqualTo("7");
    assertThat(denial.until()).isNull();
    assertThat(words("", "/.env", 4)).containsOnly("denied");
    assertThat(Judging.word(judging.judge("2001:db8::1", "/"))).isEqualTo("denied");
    assertThat(Judging.word(judging.judge("203.0.113.16", "/"))).isEqualTo("not-banned");
    assertThat(judging.counters.count(Verdict.BANNED)).isEqualTo(6);
    judging.append(judging.ban(CLIENT, ""));
    assertThat(denial("/").rule()).as("a ban says more").isEqualTo("manual");
    judging.feeds.set(FeedPrefixes.NONE);
    assertThat(Judging.word(judging.judge("2001:db8::1", "/"))).isEqualTo("not-banned");
  }

  @Test
  void judge_allowedOrProtectedAddressInAFeed_passes() {
    judging.feeds.set(
        FeedPrefixes.of(
            List.of(
                new FeedPrefixes.Feed(
                    "drop", "sha256:1", 1, PrefixSet.parse("203.0.113.0/24", "10.0.0.0/8")))));

    assertThat(Judging.word(judging.judge("10.1.2.3", "/"))).isEqualTo("address-allowed");
    assertThat(word("/")).isEqualTo("denied");
    judging.append(
        new BanEvent.Allow(judging.instant(), IpPrefix.parse(CLIENT), null, "cli", "office"));
    assertThat(word("/")).isEqualTo("address-allowed");
    assertThat(word("/robots.txt")).isEqualTo("address-allowed");
  }

  @Test
  void judge_blockedPath_isRefusedAtOnceAndCounts() {
    assertThat(words("", "/shell.php", 2)).containsExactly("denied", "denied");
    assertThat(word("/")).isEqualTo("not-banned");
    Denial first = denial("/shell.php");
    assertThat(first.rule()).isEqualTo("probing");
    assertThat(word("/")).as("the third hit banned").isEqualTo("denied");
    assertThat(judging.counters.count(Verdict.BLOCKED)).isEqualTo(3);
  }

  @Test
  void judge_blockedAndAllowedPath_isRefused() {
    Rule other = Judging.rule("other", Mode.ENFORCE, 3, "allow:^/shell", "^/x");
    with(Judging.config(PROBING, other));

    assertThat(word("/shell.php")).isEqualTo("denied");
  }

  @Test
  void judge_allowedPath_passesEveryCheckThoughBanned() {
    judging.append(judging.ban(CLIENT, ""));

    assertThat(word("/")).isEqualTo("denied");
    assertThat(word("/robots.txt")).isEqualTo("path-allowed");
  }

  @Test
  void judge_allowedPathThatOthersCount_isNoHit() {
    Rule other = Judging.rule("other", Mode.ENFORCE, 1, "^/robots");
    with(Judging.config(PROBING, other));

    assertThat(words("", "/robots.txt", 3)).containsOnly("path-allowed");
    assertThat(word("/")).isEqualTo("not-banned");
  }

  @Test
  void judge_otherConditionsOfTheRule_holdForItsBlockedAndAllowedPathsToo() {
    Ignore ignore = new Ignore(List.of("\\.txt$"), null, Set.of(), List.of(), List.of(), List.of());
    with(
        Judging.config(
            Judging.rule("posts", Mode.ENFORCE, 1, Set.of("POST"), Ignore.NOTHING, "block:^/a"),
            Judging.rule(
                "texts", Mode.ENFORCE, 1, Set.of(), ignore, "block:^/b", "allow:^/c", "^/c")));

    assertThat(word("/a")).as("GET").isEqualTo("not-banned");
    assertThat(word("/b.txt")).as("ignored").isEqualTo("not-banned");
    assertThat(word("/c.txt")).as("not allowed, since ignored").isEqualTo("not-banned");
    assertThat(word("/c")).isEqualTo("path-allowed");
    assertThat(word("/b")).isEqualTo("denied");
  }

  @Test
  void judge_disguisedPath_isJudgedNormalised() {
    assertThat(word("//x/..//%2e%65nv")).isEqualTo("not-banned");
    assertThat(word("/%73hell.php?a=b")).isEqualTo("denied");
  }

  @Test
  void judge_allowedAddress_passesBlockedPathsAndMakesNoHit() {
    judging.append(new BanEvent.Allow(Judging.NOW, IpPrefix.parse(CLIENT), null, "cli", ""));

    assertThat(words("", "/shell.php", 5)).containsOnly("address-allowed");
    assertThat(judging.counters.count(Verdict.ADDRESS_ALLOWED)).isEqualTo(5);
  }

  @Test
  void judge_protectedAddress_passesThoughBanned() {
    judging.append(judging.ban("10.1.2.3", ""));

    assertThat(Judging.word(judging.judge("10.1.2.3", "/shell.php"))).isEqualTo("address-allowed");
  }

  @Test
  void judge_bannedByHand_isRefusedWithTheBan() {
    judging.append(judging.ban("203.0.113.0/24", ""));

    Denial denial = denial("/");

    assertThat(denial.banId()).isEqualTo("1");
    assertThat(denial.rule()).isEqualTo("manual");
    assertThat(denial.client()).isEqualTo(CLIENT);
    assertThat(denial.reason()).isEqualTo("spam");
    assertThat(denial.until()).isEqualTo(Judging.NOW.plus(Judging.BAN));
    assertThat(denial.status()).isEqualTo(403);
    assertThat(denial.headers())
        .contains(
            new Denial.Header("x-ip-sentry", "banned"),
            new Denial.Header("x-ip-sentry-ban-id", "1"));
  }

  @Test
  void judge_banEnds_nextRequestPasses() {
    judging.append(judging.ban(CLIENT, ""));
    assertThat(word("/")).isEqualTo("denied");

    judging.now.addAndGet(Judging.BAN.toMillis());

    assertThat(word("/")).isEqualTo("not-banned");
  }

  @Test
  void judge_callerIsUnknown_refusesButCountsNoHit() {
    for (int i = 0; i < 5; i++) {
      assertThat(Judging.word(judging.judge("", CLIENT, "/.env", Caller.UNKNOWN)))
          .isEqualTo("not-banned");
    }
    assertThat(Judging.word(judging.judge("", CLIENT, "/shell.php", Caller.UNKNOWN)))
        .isEqualTo("denied");
    assertThat(word("/")).isEqualTo("not-banned");
    assertThat(judging.counters.unauthenticatedRequests()).isEqualTo(6);
  }

  @Test
  void judge_noUsableAddress_passesUncounted() {
    for (String peer : List.of("", "unix:", "/run/x.sock", "not an address")) {
      assertThat(Judging.word(judging.judge(peer, "/.env"))).isEqualTo("no-address");
    }
  }

  @Test
  void judge_notSynced_cannotTell() {
    BanState early =
        new BanState() {
          @Override
          public ActiveBans bans() {
            return new ActiveBans();
          }

          @Override
          public boolean isSynced() {
            return false;
          }

          @Override
          public Duration age() {
            return Duration.ofDays(1);
          }
        };
    PolicyJudge.Parts parts = judging.parts;
    PolicyJudge judge =
        new PolicyJudge.Parts(
                parts.policies(),
                parts.protection(),
                early,
                parts.hits(),
                parts.counters(),
                parts.denials(),
                parts.clock(),
                parts.nanoTicker())
            .judge();

    assertThat(judge.judge(judging.request("", CLIENT, "/shell.php"), Caller.TRUSTED))
        .isEqualTo(new Judgement.Unavailable("not-synced"));
  }

  @Test
  void judge_somethingOfOursFails_cannotTell() {
    PolicyJudge.Parts parts = judging.parts;
    PolicyJudge judge =
        new PolicyJudge.Parts(
                parts.policies(),
                () -> {
                  throw new IllegalStateException("the test says so");
                },
                parts.state(),
                parts.hits(),
                parts.counters(),
                parts.denials(),
                parts.clock(),
                parts.nanoTicker())
            .judge();

    assertThat(judge.judge(judging.request("", CLIENT, "/"), Caller.TRUSTED))
        .isEqualTo(new Judgement.Unavailable("error"));
    assertThat(judging.counters.count(Verdict.ERROR)).isEqualTo(1);
  }

  @Test
  void judge_unknownPolicy_isJudgedByTheDefaultOne() {
    assertThat(words("nosuch", "/.env", 3)).containsExactly("not-banned", "not-banned", "denied");
    assertThat(judging.counters.unknownPolicies()).isEqualTo(3);
  }

  @Test
  void judge_scopedPolicy_hitsAndBansAreItsOwn() {
    with(
        Judging.config(
            List.of(PROBING),
            Judging.policy("", Mode.ENFORCE, false),
            Judging.policy("shop", Mode.ENFORCE, true),
            Judging.policy("blog", Mode.ENFORCE, false)));

    assertThat(words("", "/.env", 2)).containsOnly("not-banned");
    assertThat(words("shop", "/.env", 3)).containsExactly("not-banned", "not-banned", "denied");
    assertThat(words("shop", "/", 1)).containsOnly("denied");
    assertThat(words("blog", "/", 1)).containsOnly("not-banned");
    assertThat(words("blog", "/.env", 1))
        .as("counts with the default policy")
        .containsOnly("denied");
    assertThat(words("shop", "/robots.txt", 1)).containsOnly("path-allowed");
  }

  @Test
  void judge_scopedBanByHand_holdsForItsPolicyOnly() {
    with(
        Judging.config(
            List.of(PROBING),
            Judging.policy("", Mode.ENFORCE, false),
            Judging.policy("shop", Mode.ENFORCE, false)));
    judging.append(judging.ban(CLIENT, "shop"));

    assertThat(words("shop", "/", 1)).containsOnly("denied");
    assertThat(words("", "/", 1)).containsOnly("not-banned");
  }

  @Test
  void judge_shadowPolicy_refusesNobodyAndItsHitsBanNobody() {
    with(
        Judging.config(
            List.of(PROBING),
            Judging.policy("", Mode.ENFORCE, false),
            Judging.policy("trial", Mode.SHADOW, false)));

    assertThat(words("trial", "/.env", 4))
        .containsExactly("not-banned", "not-banned", "shadow", "shadow");
    assertThat(words("trial", "/shell.php", 1)).containsOnly("shadow");
    assertThat(words("", "/", 1)).containsOnly("not-banned");
    judging.append(judging.ban("203.0.113.9", ""));
    assertThat(Judging.word(judging.judge("trial", "203.0.113.9", "/", Caller.TRUSTED)))
        .isEqualTo("shadow");
    assertThat(Judging.word(judging.judge("", "203.0.113.9", "/", Caller.TRUSTED)))
        .isEqualTo("denied");
  }

  @Test
  void judge_shadowDefaultPolicy_leavesOthersEnforcing() {
    with(
        Judging.config(
            List.of(PROBING),
            Judging.policy("", Mode.SHADOW, false),
            Judging.policy("shop", Mode.ENFORCE, false)));

    assertThat(words("", "/.env", 3)).containsExactly("not-banned", "not-banned", "shadow");
    assertThat(words("shop", "/.env", 3)).containsExactly("not-banned", "not-banned", "denied");
  }

  @Test
  void judge_shadowPolicies_countTogetherAsEnforcingOnesWould() {
    with(
        Judging.config(
            List.of(PROBING),
            Judging.policy("", Mode.SHADOW, false),
            Judging.policy("shop", Mode.SHADOW, false),
            Judging.policy("alone", Mode.SHADOW, true)));

    assertThat(words("", "/.env", 2)).containsOnly("not-banned");
    assertThat(words("alone", "/.env", 1)).containsOnly("not-banned");
    assertThat(words("shop", "/.env", 1)).containsOnly("shadow");
    assertThat(words("", "/", 1)).containsOnly("shadow");
    assertThat(words("alone", "/", 1)).containsOnly("not-banned");
  }

  @Test
  void judge_shadowRule_showsWhatItWouldRefuse() {
    Rule shadow = Judging.rule("trial", Mode.SHADOW, 2, "^/x", "block:^/y", "allow:^/shell");
    with(Judging.config(PROBING, shadow));

    assertThat(words("", "/y", 1)).containsOnly("shadow");
    assertThat(words("", "/x", 2)).containsExactly("shadow", "shadow");
    assertThat(words("", "/", 1)).containsOnly("shadow");
    assertThat(words("", "/shell", 1)).as("allows for itself only").containsOnly("denied");
  }

  @Test
  void judge_afterReload_goesByTheNewPoliciesAndKeepsHits() {
    assertThat(words("", "/.env", 2)).containsOnly("not-banned");

    judging.reload(
        Judging.config(
            Judging.rule("first", Mode.ENFORCE, 9, "^/first"),
            Judging.rule("probing", Mode.ENFORCE, 3, "^/\\.env", "block:^/new")));

    assertThat(word("/shell.php")).isEqualTo("not-banned");
    assertThat(word("/.env")).isEqualTo("denied");
    assertThat(Judging.word(judging.judge("203.0.113.8", "/new"))).isEqualTo("denied");
  }

  @Test
  void judge_headerMode_takesTheClientFromTheHeaderOfTrustedProxies() {
    PrefixSet proxies = PrefixSet.parse("192.0.2.0/24");
    with(
        Judging.config(
            List.of(PROBING),
            Judging.policy(
                "",
                new ClientConfig(ClientConfig.From.HEADER, 0),
                "cf-connecting-ip",
                new TrustedProxies(proxies, proxies),
                Mode.ENFORCE,
                false)));
    judging.append(judging.ban(CLIENT, ""));
    GatewayRequest request = judging.request("", "192.0.2.1:443", "/");
    Judging.set(request.clientHeader(), CLIENT);

    assertThat(judging.judge.clientHeader(request)).isEqualTo("cf-connecting-ip");
    assertThat(judging.judge.clientHeaders()).containsExactly("cf-connecting-ip");
    assertThat(Judging.word(judging.judge.judge(request, Caller.TRUSTED))).isEqualTo("denied");

    Judging.set(request.peer(), "198.51.100.1:443");
    assertThat(Judging.word(judging.judge.judge(request, Caller.TRUSTED)))
        .as("a stranger's header is not believed")
        .isEqualTo("not-banned");
  }
}
