package io.ipsentry.watcher.pack;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.Config;
import io.ipsentry.config.Pack;
import io.ipsentry.config.Packs;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.testing.traffic.AccessLogStyle;
import io.ipsentry.testing.traffic.SampleRequest;
import io.ipsentry.watcher.Replay;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** How a probe is written, and which gateway logs it in which format, does not change its ban. */
final class MutatedProbesTest {
  private static final int[] STATUSES = {404, 403, 401, 400, 200};
  private static final AccessLogStyle[] STYLES = AccessLogStyle.values();

  static List<String> pathPacks() {
    return Packs.names().stream()
        .filter(name -> Packs.find(name).orElseThrow().kind() == Pack.Kind.PATHS)
        .toList();
  }

  private static int status(Pack.Pattern entry) {
    return IntStream.of(STATUSES)
        .filter(status -> entry.status() == null || entry.status().contains(status))
        .findFirst()
        .orElseThrow();
  }

  /** A client's requests, enough for the pack's threshold. */
  private static List<SampleRequest> probes(
      Pack pack, Pack.Pattern entry, String address, String target) {
    List<SampleRequest> requests = new ArrayList<>();
    for (int i = 0; i < pack.defaults().threshold(); i++) {
      requests.add(PackReplay.request(i, address, "POST", target, status(entry), "curl/8.5.0"));
    }
    return requests;
  }

  private static String address(int number) {
    return "198.18." + number / 250 + "." + (1 + number % 250);
  }

  private static Set<IpPrefix> banned(Replay.Result result) {
    Set<IpPrefix> banned = new HashSet<>();
    result.bans().forEach(ban -> banned.add(ban.ip()));
    return banned;
  }

  @ParameterizedTest
  @MethodSource("pathPacks")
  void replay_anyEntryHoweverWritten_bansTheClient(String name) throws IOException {
    long seed = Long.getLong("test.seed", System.nanoTime());
    System.out.println("MutatedProbesTest seed: -Dtest.seed=" + seed);
    Random random = new Random(seed);
    Pack pack = Packs.find(name).orElseThrow();
    Config config = PackReplay.config(List.of(name));
    Map<AccessLogStyle, List<SampleRequest>> logs = new EnumMap<>(AccessLogStyle.class);
    Map<String, String> sent = new LinkedHashMap<>();
    for (Pack.Pattern entry : pack.patterns()) {
      for (Mutation mutation : Mutation.values()) {
        if (mutation == Mutation.CASE && !entry.regex().startsWith("(?i)")) {
          continue; // Most servers tell /.env from /.ENV; the pack default does as well.
        }
        String address = address(sent.size());
        String target = mutation.of(entry.about().example(), random);
        sent.put(address, mutation + " " + target + " of " + entry.regex());
        String written = random.nextInt(8) == 0 ? "::ffff:" + address : address;
        AccessLogStyle logged = STYLES[random.nextInt(STYLES.length)];
        if (mutation == Mutation.BACKSLASH && logged == AccessLogStyle.TRAEFIK_CLF) {
          logged =
              AccessLogStyle.TRAEFIK_JSON; // Traefik's text has no escapes that could be undone.
        }
        logs.computeIfAbsent(logged, style -> new ArrayList<>())
            .addAll(probes(pack, entry, written, target));
      }
    }
    Set<IpPrefix> banned = new HashSet<>();
    for (Map.Entry<AccessLogStyle, List<SampleRequest>> log : logs.entrySet()) {
      Replay.Result result = PackReplay.run(config, log.getKey(), log.getValue());
      assertThat(result.unmatched()).as(log.getKey().name()).isZero();
      banned.addAll(banned(result));
    }

    sent.keySet().removeIf(address -> banned.contains(IpPrefix.parse(address)));
    assertThat(sent.values()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("pathPacks")
  void replay_challengeHoweverWritten_isNoHit(String name) throws IOException {
    long seed = Long.getLong("test.seed", System.nanoTime());
    System.out.println("MutatedProbesTest seed: -Dtest.seed=" + seed);
    Random random = new Random(seed);
    Pack pack = Packs.find(name).orElseThrow();
    List<SampleRequest> requests = new ArrayList<>();
    for (Pack.Pattern entry : pack.patterns()) {
      String example = entry.about().example();
      boolean climbs = example.contains("..") || example.contains("%") || example.contains(";");
      String challenge = "/.well-known/acme-challenge" + (climbs ? "/.env" : example);
      for (Mutation mutation : Mutation.values()) {
        requests.addAll(probes(pack, entry, "203.0.113.7", mutation.of(challenge, random)));
      }
    }

    for (AccessLogStyle style : List.of(AccessLogStyle.COMBINED, AccessLogStyle.CADDY_JSON)) {
      Replay.Result result = PackReplay.run(PackReplay.config(List.of(name)), style, requests);
      assertThat(result.matched()).isZero();
    }
  }

  @Test
  void replay_clientBehindProxies_isTheOneThatTheTrustedOnesTell() throws IOException {
    StringBuilder log = new StringBuilder();
    for (int i = 0; i < 3; i++) {
      SampleRequest request =
          PackReplay.request(i, "203.0.113.7", "GET", "/.git/config", 404, "curl/8.5.0");
      log.append(
              AccessLogStyle.ENVOY_GATEWAY_JSON
                  .line(request)
                  .replace("203.0.113.7:51324", "10.42.0.3:51324")
                  .replace(
                      "\"x-forwarded-for\":\"203.0.113.7\"",
                      "\"x-forwarded-for\":\"198.51.100.1, ::ffff:203.0.113.7, 10.42.0.9\""))
          .append('\n');
    }

    Replay.Result result =
        PackReplay.run(PackReplay.config(List.of("vcs")), "envoy-gateway-json", log.toString());

    assertThat(banned(result)).containsExactly(IpPrefix.parse("203.0.113.7"));
  }

  @Test
  void replay_userAgentsOfTools_banTheClient() throws IOException {
    for (String name : List.of("scanners", "research-scanners")) {
      Pack pack = Packs.find(name).orElseThrow();
      List<SampleRequest> requests = new ArrayList<>();
      for (Pack.Pattern entry : pack.patterns()) {
        String address = address(requests.size());
        requests.add(PackReplay.request(0, address, "GET", "/", 200, entry.about().example()));
      }
      for (AccessLogStyle style : STYLES) {
        Replay.Result result = PackReplay.run(PackReplay.config(List.of(name)), style, requests);
        assertThat(banned(result)).as(style.name()).hasSameSizeAs(pack.patterns());
      }
    }
  }
}
