package io.ipsentry.authz.verdict;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.config.ClientConfig;
import io.ipsentry.config.ClientConfig.From;
import io.ipsentry.config.Config;
import io.ipsentry.config.TrustedProxies;
import io.ipsentry.line.ClientAddress;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.ClientAddressResolver.Mode;
import io.ipsentry.line.ClientAddressResolver.Outcome;
import io.ipsentry.line.ClientAddressResolver.Settings;
import io.ipsentry.line.FormatOptions;
import io.ipsentry.line.LineDecoder;
import io.ipsentry.line.LineFormats;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.net.Address;
import io.ipsentry.net.AddressParser;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.rule.Rule;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One request, seen through a gateway's access log and through its call to us, has one client
 * address. Each gateway is modelled as its sources and documentation have it: what it makes of the
 * forwarded list that came in, what it logs, and what it sends to us.
 *
 * <p>The address of a call is read out of a refusal: everybody is banned.
 */
class ClientAddressPropertyTest {
  private static final int REQUESTS = 1_000;

  /** Proxies that may be trusted; those of the private networks always are, as is the default. */
  private static final List<String> PUBLIC_PROXIES =
      List.of("198.51.100.0/24", "2001:db8:ffff::/48", "192.0.2.128/25");

  private static final List<String> PRIVATE = List.of("10.0.0.0/8", "127.0.0.0/8", "fc00::/7");

  private final Random random = new Random();
  private PrefixSet trusted = PrefixSet.empty();
  private int hops;
  private boolean ports;

  /** A request as it reached the last gateway. */
  private record Incoming(String peer, List<String> forwarded) {}

  /** The client's address in both views: what the log says, what is sent to us. */
  private record Views(String format, String line, Call call) {}

  /** What a gateway sends to us. */
  private record Call(String peer, String forwardedFor, From from, int trustedHops) {}

  private interface Gateway {
    Views views(Incoming request);
  }

  // ---- the gateways

  /** NGINX with the realip module, our JSON log format and our auth_request snippet. */
  private Views nginx(Incoming request) {
    String client = realip(request);
    String line =
        "{\"ts\":\"2026-11-21T07:00:00+00:00\",\"client\":\"%s\",\"peer\":\"%s\",\"method\":\"GET\",\"uri\":\"/\",\"status\":200}"
            .formatted(client, request.peer());
    return new Views("ngf-json", line, new Call("127.0.0.1", client, From.AUTO, 0));
  }

  /**
   * {@code real_ip_recursive on}: from the right past trusted ones, as far as they are addresses.
   */
  private String realip(Incoming request) {
    String client = request.peer();
    List<String> list = request.forwarded();
    for (int i = list.size() - 1; i >= 0 && isTrusted(client); i--) {
      if (!isAddress(list.get(i))) {
        break;
      }
      client = bare(list.get(i));
    }
    return client;
  }

  /** Traefik: the entry point drops lists of untrusted peers; forward-auth trusts the header. */
  private Views traefik(Incoming request) {
    boolean trusts = isTrusted(request.peer());
    String list = trusts ? joined(request) : "";
    String line =
        "{\"ClientAddr\":\"%s\",\"ClientHost\":\"%s\",\"RequestMethod\":\"GET\",\"RequestPath\":\"/\",\"DownstreamStatus\":200,\"StartUTC\":\"2026-11-21T07:00:00Z\"}"
            .formatted(withPort(request.peer()), list.isEmpty() ? request.peer() : escaped(list));
    String sent = list.isEmpty() ? request.peer() : list + ", " + request.peer();
    return new Views("traefik-json", line, new Call("10.42.0.9", sent, From.AUTO, 0));
  }

  /** Envoy with use_remote_address and a number of trusted hops; it appends its peer. */
  private Views envoyHops(Incoming request) {
    List<String> list = request.forwarded();
    String client = request.peer();
    if (hops > 0 && list.size() >= hops && isAddress(list.get(list.size() - hops))) {
      client = bare(list.get(list.size() - hops));
    }
    String seen = list.isEmpty() ? request.peer() : joined(request) + "," + request.peer();
    Call call =
        hops == 0
            ? new Call(withPort(request.peer()), seen, From.AUTO, 0)
            : new Call(withPort(request.peer()), seen, From.X_FORWARDED_FOR, hops);
    return new Views("envoy-gateway-json", envoyLine(client, seen), call);
  }

  /** Envoy Gateway with trustedCIDRs: its xff extension reads the list; it may append or not. */
  private Views envoyGatewayCidrs(Incoming request) {
    String client = request.peer();
    List<String> list = request.forwarded();
    for (int i = list.size() - 1; i >= 0 && isTrusted(client); i--) {
      if (!isAddress(list.get(i))) {
        break;
      }
      client = bare(list.get(i));
    }
    boolean appends = random.nextBoolean();
    String seen =
        !appends
            ? joined(request)
            : list.isEmpty() ? request.peer() : joined(request) + "," + request.peer();
    return new Views(
        "envoy-gateway-json",
        envoyLine(client, seen),
        new Call(withPort(request.peer()), seen, From.AUTO, 0));
  }

  private static String envoyLine(String client, String list) {
    String forwarded = list.isEmpty() ? "null" : "\"" + escaped(list) + "\"";
    return "{\":authority\":\"a.example\",\"downstream_remote_address\":\"%s\",\"method\":\"GET\",\"response_code\":200,\"response_flags\":\"-\",\"start_time\":\"2026-11-21T07:00:00.123Z\",\"x-envoy-origin-path\":\"/\",\"x-forwarded-for\":%s}"
        .formatted(withPort(client), forwarded);
  }

  /** Caddy with trusted_proxies and trusted_proxies_strict. */
  private Views caddy(Incoming request) {
    String client = realip(request);
    boolean trusts = isTrusted(request.peer());
    String list = trusts ? joined(request) : "";
    String line =
        "{\"level\":\"info\",\"ts\":1795244400.123,\"request\":{\"remote_ip\":\"%s\",\"client_ip\":\"%s\",\"method\":\"GET\",\"host\":\"a.example\",\"uri\":\"/\",\"headers\":{\"X-Forwarded-For\":[\"%s\"]}},\"status\":200}"
            .formatted(request.peer(), client, escaped(joined(request)));
    String sent = list.isEmpty() ? request.peer() : list + ", " + request.peer();
    return new Views("caddy-json", line, new Call("127.0.0.1", sent, From.AUTO, 0));
  }

  @AfterEach
  void close() {
    everybodyBanned.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"nginx", "traefik", "envoy hops", "envoy gateway cidrs", "caddy"})
  void client_ofOneRequest_isTheSameInTheLogAndInTheCall(String gateway) {
    Gateway model =
        switch (gateway) {
          case "nginx" -> this::nginx;
          case "traefik" -> this::traefik;
          case "envoy hops" -> this::envoyHops;
          case "envoy gateway cidrs" -> this::envoyGatewayCidrs;
          default -> this::caddy;
        };
    int found = 0;
    for (long seed = 0; seed < REQUESTS; seed++) {
      random.setSeed(seed * 31 + gateway.hashCode());
      trusted = trustedProxies();
      hops = random.nextInt(4);
      ports = !gateway.startsWith("envoy"); // which takes an element with a port for none
      Incoming request = incoming();
      Views views = model.views(request);
      String logged = logged(views);
      assertThat(called(views.call()))
          .as(
              "%s, seed %d: %s, trusted %s, hops %d, %s",
              gateway, seed, request, trusted, hops, views)
          .isEqualTo(logged);
      found += logged.isEmpty() ? 0 : 1;
    }
    assertThat(found).as("requests with a client").isGreaterThan(REQUESTS / 2);
  }

  // ---- the two views

  private String logged(Views views) {
    FormatOptions options = FormatOptions.of(ZoneOffset.UTC, InstantSource.system());
    LineDecoder decoder = LineFormats.decoder(views.format(), options);
    byte[] line = views.line().getBytes(StandardCharsets.UTF_8);
    RequestFacts facts = new RequestFacts();
    assertThat(decoder.decode(line, 0, line.length, facts))
        .as(views.line())
        .isEqualTo(LineDecoder.Outcome.FACTS);
    Settings settings = new Settings(Mode.AUTO, trusted(views.call()), 0, null);
    ClientAddress client = new ClientAddress();
    Outcome outcome = new ClientAddressResolver(settings).resolve(facts, client);
    return outcome == Outcome.FOUND ? client.toPrefix().toString() : "";
  }

  /** Who counts hops names no proxies. */
  private PrefixSet trusted(Call call) {
    return call.from() == From.AUTO ? trusted : PrefixSet.empty();
  }

  private String called(Call call) {
    Config config =
        Judging.config(
            List.of(),
            Judging.policy(
                "",
                new ClientConfig(call.from(), call.trustedHops()),
                "",
                new TrustedProxies(trusted(call), PrefixSet.empty()),
                Rule.Mode.ENFORCE,
                false));
    everybodyBanned.policies.set(Policies.compile(config));
    GatewayRequest request = everybodyBanned.request("", call.peer(), "/");
    if (!call.forwardedFor().isEmpty()) {
      Judging.set(request.forwardedFor(), call.forwardedFor());
    }
    return switch (everybodyBanned.judge.judge(request, Caller.UNKNOWN)) {
      case Judgement.Denied denied -> denied.denial().client();
      case Judgement.Allowed allowed -> {
        assertThat(allowed.reason()).isEqualTo(Judgement.Reason.NO_ADDRESS);
        yield "";
      }
      case Judgement.Unavailable unavailable -> throw new AssertionError(unavailable.cause());
    };
  }

  private final Judging everybodyBanned = everybodyBanned();

  private static Judging everybodyBanned() {
    Judging judging = new Judging(Judging.config());
    judging.protection.set(ProtectedPrefixes.NONE);
    judging.append(judging.ban("0.0.0.0/0", ""), judging.ban("::/0", ""));
    return judging;
  }

  // ---- random requests

  private PrefixSet trustedProxies() {
    List<String> prefixes = new ArrayList<>(PRIVATE);
    PUBLIC_PROXIES.stream().filter(p -> random.nextBoolean()).forEach(prefixes::add);
    return PrefixSet.parse(prefixes.toArray(String[]::new));
  }

  /** A client, who may lie, and the proxies in between, of which each appends whom it saw. */
  private Incoming incoming() {
    List<String> forwarded = new ArrayList<>();
    if (random.nextInt(3) == 0) {
      int lies = 1 + random.nextInt(3);
      for (int i = 0; i < lies; i++) {
        forwarded.add(random.nextInt(4) == 0 ? garbage() : address());
      }
    }
    String before = address();
    int proxies = random.nextInt(4);
    for (int i = 0; i < proxies; i++) {
      forwarded.add(ports && random.nextInt(6) == 0 ? withPort(before) : before);
      before = proxy();
    }
    return new Incoming(before, forwarded);
  }

  private String address() {
    return switch (random.nextInt(8)) {
      case 0 -> "2001:db8::" + Integer.toHexString(1 + random.nextInt(0xFFFF));
      case 1 -> "::ffff:203.0.113." + random.nextInt(256);
      case 2 -> proxy();
      default -> "203.0.113." + random.nextInt(256);
    };
  }

  private String proxy() {
    return switch (random.nextInt(6)) {
      case 0 -> "198.51.100." + random.nextInt(256);
      case 1 -> "2001:db8:ffff::" + Integer.toHexString(1 + random.nextInt(0xFFFF));
      case 2 -> "192.0.2." + random.nextInt(256);
      case 3 -> "fd00::" + Integer.toHexString(1 + random.nextInt(0xFFFF));
      default -> "10.0.0." + random.nextInt(256);
    };
  }

  private String garbage() {
    List<String> junk =
        List.of("unknown", "_hidden", "1.2.3", "999.1.1.1", "\"x\"", "a b", "localhost", "::g");
    return junk.get(random.nextInt(junk.size()));
  }

  // ---- what the models share

  private boolean isTrusted(String address) {
    IpPrefix ip = IpPrefix.parse(bare(address));
    return trusted.contains(ip.hi(), ip.lo());
  }

  private static boolean isAddress(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return AddressParser.parseHostPort(bytes, 0, bytes.length, new Address());
  }

  /** Without a port and brackets. */
  private static String bare(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Address address = new Address();
    assertThat(AddressParser.parseHostPort(bytes, 0, bytes.length, address)).as(text).isTrue();
    return address.toString();
  }

  private static String withPort(String address) {
    return address.indexOf(':') >= 0 && !address.startsWith("[")
        ? "[" + address + "]:51324"
        : address + ":51324";
  }

  private static String joined(Incoming request) {
    return String.join(", ", request.forwarded());
  }

  private static String escaped(String text) {
    return text.replace("\\", "\\\\").replace("\"", "\\\"");
  }
}
