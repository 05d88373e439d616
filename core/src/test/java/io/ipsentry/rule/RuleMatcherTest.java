package io.ipsentry.rule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.line.RequestFacts;
import io.ipsentry.line.Slice;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RuleMatcherTest {
  private final RequestFacts facts = new RequestFacts();

  private static void set(Slice slice, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    slice.set(bytes, 0, bytes.length);
  }

  private RequestFacts request(String target, int status) {
    facts.clear();
    set(facts.method(), "GET");
    set(facts.target(), target);
    facts.status(status);
    return facts;
  }

  /** Names of the rules hit, each with its pattern. */
  private static List<String> hits(RuleMatcher matcher, RuleSet rules, RequestFacts facts) {
    List<String> hits = new ArrayList<>();
    int number = matcher.match(facts);
    for (int i = 0; i < number; i++) {
      hits.add(rules.rules().get(matcher.rule(i)).id() + " " + matcher.pattern(i, facts));
    }
    return hits;
  }

  private List<String> hits(Rules rule, RequestFacts request) {
    RuleSet rules = RuleSet.compile(List.of(rule.build()));
    return hits(rules.matcher(Rule.On.LOG, "s"), rules, request);
  }

  @Test
  void match_severalPatterns_namesTheFirstOfTheRule() {
    Rules rule = Rules.named("r").paths("^/x", "\\.env", "^/\\.env");

    assertThat(hits(rule, request("/.env", 200))).containsExactly("r \\.env");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/.env",
        "//.env",
        "/./.env",
        "/%2e%65nv",
        "/%252e%65nv",
        "/a/../.env",
        "/.env;x=1",
        "/.env?a=b",
        "http://h.example/.env",
        "/;/.env"
      })
  void match_disguisedTarget_isJudgedNormalised(String target) {
    assertThat(hits(Rules.named("r").paths("^/\\.env"), request(target, 404)))
        .containsExactly("r ^/\\.env");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/x/../y.cgi?cmd=rm -rf",
        "//y.cgi?cmd=rm%20-rf",
        "/y.cgi?c%6dd=rm%2520-rf",
        "http://h.example/y.cgi;a?cmd=rm%20-rf"
      })
  void match_disguisedQuery_isJudgedDecoded(String target) {
    assertThat(hits(Rules.named("r").paths("^/y\\.cgi\\?cmd=rm -rf"), request(target, 200)))
        .hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a/..;/b", "/a/%2e%2e;/b", "/a/.%252e%3b/b"})
  void match_climbingTarget_isJudgedDecodedAsWell(String target) {
    assertThat(hits(Rules.named("r").paths("/\\.\\.;/"), request(target, 200))).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/.well-known/acme-challenge/x",
        "/.well-known/acme-challenge/.env?a=/etc/passwd",
        "//.well-known/%61cme-challenge/x",
        "http://h.example/.well-known/acme-challenge/x"
      })
  void match_challengeOfACertificateAuthority_isNeverAHit(String target) {
    assertThat(hits(Rules.named("r").paths("x", "\\.env"), request(target, 404))).isEmpty();
    assertThat(hits(Rules.named("r").status("404"), request(target, 404))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/.well-known/acme-challenge/../../.env",
        "/.well-known/acme-challenge/..%2f..%2f.env",
        "/.well-known/acme-challengex/.env"
      })
  void match_outOfTheFolderOfChallenges_isAHit(String target) {
    assertThat(hits(Rules.named("r").paths("/\\.env"), request(target, 404))).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/blog/wp-admin", "/?q=/.env", "/env", "/x.env", "*"})
  void match_otherTarget_isNoHit(String target) {
    Rules rule = Rules.named("r").paths("^/\\.env", "^/wp-admin");

    assertThat(hits(rule, request(target, 404))).isEmpty();
  }

  @Test
  void match_servedPattern_countsOnlyWithClientError() {
    Rules rule = Rules.named("r").served("^/wp-login").paths("^/wp");

    assertThat(hits(rule, request("/wp-login.php", 404))).containsExactly("r ^/wp-login");
    assertThat(hits(rule, request("/wp-login.php", 200))).containsExactly("r ^/wp");
    assertThat(hits(Rules.named("r").served("^/wp"), request("/wp", 200))).isEmpty();
  }

  @Test
  void match_statusRuleWithoutPaths_hitsAnyTarget() {
    Rules rule = Rules.named("r").status("401-405").ignorePaths("\\.(png|js)$");

    assertThat(hits(rule, request("/a", 404))).containsExactly("r status 404");
    assertThat(hits(rule, request("/a", 406))).isEmpty();
    assertThat(hits(rule, request("/a.png", 404))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/.env?x=.png", "/.env;.png", "/.env;/x.png/..", "/x.png/../.env"})
  void match_ignoredPathOnlyInDisguise_stillHits(String target) {
    Rules rule = Rules.named("r").status("404").ignorePaths("\\.png$");

    assertThat(hits(rule, request(target, 404))).hasSize(1);
  }

  @Test
  void match_originStatus_isTheBackends() {
    facts.clear();
    set(facts.target(), "/");
    facts.status(200);
    facts.originStatus(401);

    assertThat(hits(Rules.named("r").originStatus("401"), facts)).hasSize(1);
    facts.originStatus(0);
    assertThat(hits(Rules.named("r").originStatus("401"), facts)).isEmpty();
  }

  @Test
  void match_allConditions_mustHold() {
    Rules rule =
        Rules.named("r")
            .paths("^/login")
            .methods("POST")
            .hosts("^admin\\.")
            .userAgents("(?i)sqlmap")
            .status("401");
    facts.clear();
    set(facts.method(), "POST");
    set(facts.host(), "ADMIN.example:8443");
    set(facts.target(), "/login");
    set(facts.userAgent(), "SQLMap/1.8");
    facts.status(401);
    assertThat(hits(rule, facts)).containsExactly("r ^/login");

    set(facts.host(), "www.example");
    assertThat(hits(rule, facts)).isEmpty();
    set(facts.host(), "admin.example");
    set(facts.method(), "GET");
    assertThat(hits(rule, facts)).isEmpty();
    set(facts.method(), "POST");
    facts.userAgent().clear();
    assertThat(hits(rule, facts)).isEmpty();
  }

  @Test
  void match_hostPattern_seesTheNameWithoutPortAndIgnoresCase() {
    facts.clear();
    set(facts.host(), "Www.Example:443");
    facts.status(404);

    assertThat(hits(Rules.named("r").hosts("^www\\.example$"), facts)).hasSize(1);
  }

  @Test
  void match_message_namesTheExpression() {
    facts.clear();
    set(facts.line(), "crm_auth_failure ip=203.0.113.20 code=PASSWORD_INVALID");

    assertThat(hits(Rules.named("r").messages("^other", "crm_auth_failure"), facts))
        .containsExactly("r crm_auth_failure");
  }

  @Test
  void match_authFailure_isWhatTheFormatSays() {
    facts.clear();
    facts.authFailure(true);
    assertThat(hits(Rules.named("r").authFailures(), facts))
        .containsExactly("r authentication failure");
    facts.authFailure(false);
    assertThat(hits(Rules.named("r").authFailures(), facts)).isEmpty();
  }

  @Test
  void match_ownDenial_neverCounts() {
    request("/.env", 403).ownDenial(true);

    assertThat(hits(Rules.named("r").paths("^/\\.env"), facts)).isEmpty();
  }

  @Test
  void match_blockBeatsAllowBeatsCount() {
    Rules rule =
        Rules.named("r")
            .paths("^/count")
            .path("whoami", PathPattern.Mode.ALLOW)
            .path("secret", PathPattern.Mode.BLOCK);

    assertThat(hits(rule, request("/count", 200))).containsExactly("r ^/count");
    assertThat(hits(rule, request("/count/whoami", 200))).isEmpty();
    assertThat(hits(rule, request("/whoami/secret", 200))).containsExactly("r secret");
  }

  @Test
  void match_onlyAllowPathsAndStatus_countsOtherTargets() {
    Rules rule = Rules.named("r").path("^/yes", PathPattern.Mode.ALLOW).status("404");

    assertThat(hits(rule, request("/other", 404))).containsExactly("r status 404");
    assertThat(hits(rule, request("/yes", 404))).isEmpty();
  }

  @Test
  void match_ignoreCase_foldsPaths() {
    assertThat(hits(Rules.named("r").paths("^/wp-admin").ignoreCase(), request("/WP-Admin", 404)))
        .hasSize(1);
    assertThat(hits(Rules.named("r").paths("^/wp-admin"), request("/WP-Admin", 404))).isEmpty();
  }

  @Test
  void matcher_takesRulesOfItsSourceAndKind() {
    RuleSet rules =
        RuleSet.compile(
            List.of(
                Rules.named("all").paths("^/x").build(),
                Rules.named("web").paths("^/x").sources("web").build(),
                Rules.named("ssh").paths("^/x").sources("ssh").build(),
                Rules.named("inline").paths("^/x").on(Rule.On.REQUEST).build()));

    assertThat(hits(rules.matcher(Rule.On.LOG, "web"), rules, request("/x", 404)))
        .containsExactly("all ^/x", "web ^/x");
    assertThat(hits(rules.matcher(Rule.On.REQUEST, null), rules, request("/x", 404)))
        .containsExactly("inline ^/x");
  }

  @Test
  void compile_twoRulesOfOneName_areRefused() {
    Rule rule = Rules.named("r").paths("^/x").build();

    assertThatThrownBy(() -> RuleSet.compile(List.of(rule, rule)))
        .hasMessageContaining("two rules have the name r");
  }
}
