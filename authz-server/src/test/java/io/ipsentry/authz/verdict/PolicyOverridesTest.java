package io.ipsentry.authz.verdict;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.PolicyOverlay;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What policies change of the rules, and policies that come beside the file. */
final class PolicyOverridesTest {
  private static final String CLIENT = "203.0.113.7";
  private static final Config BASE =
      new ConfigLoader()
          .parse(
              "base",
              """
              rules:
                - { name: probing, on: request, match: { paths: ['^/\\.env'] }, threshold: 3 }
                - { name: forms, on: request, match: { paths: ['^/contact'] }, threshold: 5 }
                - { name: lines, match: { packs: [default] }, threshold: 3 }
              authz:
                http: ":9002"
                listen: ":9001"
                callers: 127.0.0.1
                denial: { body: "no\\n" }
                policies: { own: { mode: shadow } }
              """
                  .getBytes(StandardCharsets.UTF_8),
              Path.of("/"))
          .orThrow();

  private static PolicyOverlay overlay(String... namesAndDocuments) {
    Map<String, String> documents = new LinkedHashMap<>();
    for (int i = 0; i < namesAndDocuments.length; i += 2) {
      documents.put(namesAndDocuments[i], namesAndDocuments[i + 1]);
    }
    return PolicyOverlay.of(BASE, documents);
  }

  private static Judging judging(String... namesAndDocuments) {
    PolicyOverlay overlay = overlay(namesAndDocuments);
    assertThat(overlay.refused()).isEmpty();
    return new Judging(overlay.config());
  }

  private static List<String> words(Judging judging, String policy, String target, int times) {
    List<String> words = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      words.add(Judging.word(judging.judge(policy, CLIENT, target, Caller.TRUSTED)));
    }
    return words;
  }

  @Test
  void thresholds_holdForThatPolicyAndItsBansEverywhere() {
    try (Judging judging = judging("strict", "{ thresholds: { threshold: 1 } }")) {
      assertThat(words(judging, "", "/.env", 2)).containsExactly("not-banned", "not-banned");
      assertThat(words(judging, "strict", "/.env", 1)).containsExactly("denied");
      assertThat(words(judging, "", "/", 1)).containsExactly("denied");
      assertThat(words(judging, "own", "/", 1)).containsExactly("shadow");
    }
  }

  @Test
  void thresholds_ofAScopedPolicy_banThereAlone() {
    try (Judging judging =
        judging("strict", "{ thresholds: { threshold: 1, ban: 1h }, scoped: true }")) {
      assertThat(words(judging, "strict", "/.env", 1)).containsExactly("denied");
      assertThat(words(judging, "strict", "/", 1)).containsExactly("denied");
      assertThat(words(judging, "", "/", 1)).containsExactly("not-banned");
    }
  }

  @Test
  void thresholds_ofTwoShadowPolicies_areApart() {
    try (Judging judging =
        judging(
            "one", "{ mode: shadow, thresholds: { threshold: 1 } }",
            "ten", "{ mode: shadow, thresholds: { threshold: 10 } }")) {
      assertThat(words(judging, "ten", "/.env", 3)).containsOnly("not-banned");
      assertThat(words(judging, "one", "/.env", 1)).containsExactly("shadow");
      assertThat(words(judging, "", "/", 1)).containsExactly("not-banned");
    }
  }

  @Test
  void packs_areOneMoreRule() {
    try (Judging judging =
        judging("packed", "{ rules: [], packs: [secrets], thresholds: { threshold: 2 } }")) {
      assertThat(words(judging, "packed", "/contact", 6)).containsOnly("not-banned");
      assertThat(words(judging, "packed", "/.git/config", 2))
          .containsExactly("not-banned", "denied");
    }
  }

  @Test
  void exemptPathsAndAddresses_passThoughBanned() {
    try (Judging judging =
        judging(
            "api",
            "{ exempt: { paths: ['^/health$'], addresses: [198.51.100.0/24] }, mode: enforce }")) {
      judging.append(judging.ban(CLIENT, ""), judging.ban("198.51.100.9", ""));
      assertThat(words(judging, "api", "/health", 1)).containsExactly("path-allowed");
      assertThat(words(judging, "api", "/healthy", 1)).containsExactly("denied");
      assertThat(Judging.word(judging.judge("api", "198.51.100.9", "/", Caller.TRUSTED)))
          .isEqualTo("address-allowed");
      assertThat(Judging.word(judging.judge("", "198.51.100.9", "/", Caller.TRUSTED)))
          .isEqualTo("denied");
    }
  }

  @Test
  void off_judgesNothing() {
    try (Judging judging = judging("quiet", "{ mode: off }")) {
      judging.append(judging.ban(CLIENT, ""));
      assertThat(words(judging, "quiet", "/.env", 5)).containsOnly("off");
      assertThat(judging.counters.count(Verdict.OFF)).isEqualTo(5);
    }
  }

  @Test
  void overlay_ofAMistake_leavesThatOutAndNoOther() {
    PolicyOverlay overlay =
        overlay(
            "fine", "{ denial: { status: 401 } }",
            "unknown-rule", "{ rules: [forsm] }",
            "of-lines", "{ rules: [lines] }",
            "typo", "{ tresholds: {} }",
            "expression", "{ exempt: { paths: ['('] } }",
            "counts-nothing", "{ thresholds: { threshold: 0 } }",
            "reads-a-file", "{ exempt: { addresses: ['file:/etc/hostname'] } }",
            "reads-a-pack", "{ packs: [./mine.yaml] }",
            "own", "{}",
            "no name", "{}",
            "no mapping", "[]");
    assertThat(overlay.config().authz().orElseThrow().policies()).containsOnlyKeys("own", "fine");
    assertThat(overlay.config().authz().orElseThrow().policies().values())
        .extracting(policy -> policy.denial().body())
        .containsOnly("no\n");
    assertThat(overlay.refused())
        .hasSize(10)
        .hasEntrySatisfying("unknown-rule", why -> assertThat(why).contains("did you mean forms"))
        .hasEntrySatisfying("of-lines", why -> assertThat(why).contains("judges lines"))
        .hasEntrySatisfying("typo", why -> assertThat(why).contains("thresholds"))
        .hasEntrySatisfying("reads-a-file", why -> assertThat(why).contains("names a file"))
        .hasEntrySatisfying("reads-a-pack", why -> assertThat(why).contains("names a file"))
        .hasEntrySatisfying("own", why -> assertThat(why).contains("of the configuration too"));
  }

  @Test
  void overlay_withoutGateways_refusesAll() {
    Config alone = Config.defaults();
    PolicyOverlay overlay = PolicyOverlay.of(alone, Map.of("a", "{}"));
    assertThat(overlay.config()).isSameAs(alone);
    assertThat(overlay.refused()).containsOnlyKeys("a");
  }
}
