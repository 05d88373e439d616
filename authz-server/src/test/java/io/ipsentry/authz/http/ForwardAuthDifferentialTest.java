package io.ipsentry.authz.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.Judging;
import io.ipsentry.authz.verdict.RequestJudge;
import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.config.Config;
import io.ipsentry.rule.Rule;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same requests, once described to the judge as they are and once over HTTP in each form, are
 * judged alike: every hit, ban and refusal.
 */
final class ForwardAuthDifferentialTest {
  private static final int REQUESTS = 4_000;
  private static final String GATEWAY = "10.0.0.9";

  private static final List<String> TARGETS =
      List.of(
          "/", "/.env", "/wp-login.php?x", "/xmlrpc.php", "/healthz", "/a/b?c=/.env", "/%2eenv");

  private static final Config CONFIG =
      Judging.config(
          List.of(
              Judging.rule("probing", Rule.Mode.ENFORCE, 3, "^/\\.env", "^/wp-login\\.php"),
              Judging.rule(
                  "never", Rule.Mode.ENFORCE, 5, "block:^/xmlrpc\\.php", "allow:^/healthz$")),
          Judging.policy("", Rule.Mode.ENFORCE, false),
          Judging.policy("shop", Rule.Mode.ENFORCE, true),
          Judging.policy("watching", Rule.Mode.SHADOW, false));

  /** What a client sends, and where its gateway asks. */
  private record Sent(
      String policy, List<String> hops, String method, String target, boolean trusted) {}

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void request_overHttpAndDirectly_isJudgedAlike(long seed) {
    Random random = new Random(seed);
    Set<String> words = new HashSet<>();
    try (Judging direct = new Judging(CONFIG);
        Judging overHttp = new Judging(CONFIG)) {
      List<Judgement> given = new ArrayList<>();
      ServerState state = ConnectionRig.state(noting(overHttp.judge, given), false, 64);
      try (ConnectionRig rig = new ConnectionRig(state, GATEWAY)) {
        for (int i = 0; i < REQUESTS; i++) {
          step(random, direct, overHttp);
          Sent sent = random(random);
          String expected =
              Judging.word(
                  direct.judge.judge(
                      described(sent), sent.trusted ? Caller.TRUSTED : Caller.UNKNOWN));
          String answer = rig.ask(call(sent, random.nextBoolean()));

          assertThat(Judging.word(given.getLast()))
              .as("request %d: %s", i, sent)
              .isEqualTo(expected);
          assertThat(answer)
              .as("request %d: %s", i, sent)
              .startsWith(
                  switch (expected) {
                    case "denied" -> "HTTP/1.1 403 ";
                    case "shadow" -> "HTTP/1.1 200 OK\r\nx-ip-sentry: shadow\r\n";
                    default -> "HTTP/1.1 200 OK\r\nx-ip-sentry: allowed\r\n";
                  });
          words.add(expected);
        }
      }
    }
    // The comparison has met every kind.
    assertThat(words).contains("denied", "shadow", "not-banned", "path-allowed", "address-allowed");
  }

  /** Time passes, and now and then somebody is banned by hand. */
  private static void step(Random random, Judging... worlds) {
    long millis = random.nextInt(2_000);
    String address = client(random);
    String scope = random.nextBoolean() ? "shop" : "";
    boolean ban = random.nextInt(100) == 0;
    for (Judging world : worlds) {
      world.now.addAndGet(millis);
      if (ban) {
        world.append(world.ban(address, scope));
      }
    }
  }

  private static Sent random(Random random) {
    List<String> hops = new ArrayList<>();
    for (int i = random.nextInt(4) == 0 ? 2 : 1; i > 0; i--) {
      hops.add(client(random));
    }
    return new Sent(
        List.of("", "", "shop", "watching", "unknown").get(random.nextInt(5)),
        hops,
        random.nextBoolean() ? "GET" : "POST",
        TARGETS.get(random.nextInt(TARGETS.size())),
        random.nextInt(5) > 0);
  }

  private static String client(Random random) {
    int number = random.nextInt(30);
    return switch (random.nextInt(8)) {
      case 0 -> "10.1.2." + number;
      case 1 -> "2001:db8:" + number + "::7";
      default -> "203.0.113." + number;
    };
  }

  private static GatewayRequest described(Sent sent) {
    GatewayRequest request = new GatewayRequest();
    if (!sent.policy.isEmpty()) {
      Judging.set(request.policy(), sent.policy);
    }
    Judging.set(request.peer(), GATEWAY);
    Judging.set(request.forwardedFor(), String.join(", ", sent.hops));
    Judging.set(request.method(), sent.method);
    Judging.set(request.host(), "shop.example");
    Judging.set(request.target(), sent.target);
    return request;
  }

  private static String call(Sent sent, boolean direct) {
    String prefix = sent.policy.isEmpty() ? "" : "/policies/" + sent.policy;
    String token = sent.trusted ? "X-Ip-Sentry-Token: " + ConnectionRig.TOKEN + "\r\n" : "";
    String forwardedFor = "X-Forwarded-For: " + String.join(", ", sent.hops);
    String head =
        direct
            ? sent.method + " " + prefix + "/ext-authz" + sent.target + " HTTP/1.1\r\n"
            : "GET " + prefix + "/forward-auth HTTP/1.1\r\n";
    // Envoy's own call adds Envoy's address.
    String described =
        direct
            ? "Host: shop.example\r\n" + forwardedFor + "," + GATEWAY + "\r\n"
            : String.join(
                "\r\n",
                "Host: authz",
                forwardedFor,
                "X-Forwarded-Method: " + sent.method,
                "X-Forwarded-Host: shop.example",
                "X-Forwarded-Uri: " + sent.target,
                "");
    return head + described + token + "\r\n";
  }

  private static RequestJudge noting(RequestJudge judge, List<Judgement> given) {
    return new RequestJudge() {
      @Override
      public Judgement judge(GatewayRequest request, Caller caller) {
        Judgement judgement = judge.judge(request, caller);
        given.add(judgement);
        return judgement;
      }

      @Override
      public String clientHeader(GatewayRequest request) {
        return judge.clientHeader(request);
      }

      @Override
      public Set<String> clientHeaders() {
        return judge.clientHeaders();
      }
    };
  }
}
