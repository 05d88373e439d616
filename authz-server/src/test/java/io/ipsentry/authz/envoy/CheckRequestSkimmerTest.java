package io.ipsentry.authz.envoy;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.envoyproxy.envoy.config.core.v3.HeaderMap;
import io.envoyproxy.envoy.config.core.v3.HeaderValue;
import io.envoyproxy.envoy.service.auth.v3.CheckRequest;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The skimmer reads what the generated parser reads. */
final class CheckRequestSkimmerTest {
  private static final int ROUNDS = 40_000;

  @Test
  void read_asEnvoySends_hasEveryField() {
    CheckRequest request =
        CheckRequests.with(
            "203.0.113.7",
            Map.of(
                "x-forwarded-for", "198.51.100.4,203.0.113.7",
                "user-agent", "curl/8.5.0",
                "x-envoy-external-address", "203.0.113.7"),
            Map.of("policy", "shop", "token", "secret"));
    CheckFacts facts = CheckFacts.skimmedWhole(request.toByteArray());
    assertThat(facts).isEqualTo(CheckFacts.parsed(request.toByteArray()));
    assertThat(facts)
        .isEqualTo(
            new CheckFacts(
                "203.0.113.7",
                "GET",
                "app.example",
                "/index.html?a=b",
                "shop",
                "secret",
                Map.of(
                    "x-forwarded-for", "198.51.100.4,203.0.113.7",
                    "user-agent", "curl/8.5.0",
                    "x-envoy-external-address", "203.0.113.7")));
  }

  @Test
  void read_rawHeaders_joinsEntriesOfOneName() {
    HeaderMap headers =
        HeaderMap.newBuilder()
            .addHeaders(raw("x-forwarded-for", "198.51.100.4"))
            .addHeaders(raw("accept", "*/*"))
            .addHeaders(raw("x-forwarded-for", "203.0.113.7"))
            .addHeaders(raw("x-forwarded-for", ""))
            .addHeaders(HeaderValue.newBuilder().setKey("x-forwarded-for").setValue("192.0.2.1"))
            .addHeaders(HeaderValue.newBuilder().setKey("user-agent").setValue("curl"))
            .build();
    byte[] wire = CheckRequests.raw("203.0.113.7", headers).toByteArray();
    CheckFacts facts = CheckFacts.skimmedWhole(wire);
    assertThat(facts).isEqualTo(CheckFacts.parsed(wire));
    assertThat(facts.headers())
        .containsEntry("x-forwarded-for", "198.51.100.4,203.0.113.7,192.0.2.1")
        .containsEntry("user-agent", "curl");
  }

  @Test
  void read_noSocketAddress_hasNoPeer() {
    for (CheckRequest request :
        new CheckRequest[] {
          CheckRequests.pipe(), CheckRequests.internalAddress(), CheckRequests.noAddress()
        }) {
      CheckFacts facts = CheckFacts.skimmedWhole(request.toByteArray());
      assertThat(facts).isEqualTo(CheckFacts.parsed(request.toByteArray()));
      assertThat(facts.peer()).isNull();
      assertThat(facts.target()).isEqualTo("/index.html?a=b");
    }
  }

  @Test
  void read_emptyMessage_hasNoFacts() {
    assertThat(CheckFacts.skimmed(new byte[0]))
        .isEqualTo(new CheckFacts(null, null, null, null, null, null, Map.of()));
  }

  @Test
  void read_brokenUtf8_isJudgedAllTheSame() {
    // The generated parser refuses it, which would open the gate where the failure mode is open.
    byte[] wire = CheckRequests.of("203.0.113.7").toByteArray();
    int at = new String(wire, StandardCharsets.ISO_8859_1).lastIndexOf("/index.html");
    wire[at + 1] = (byte) 0xff;
    assertThat(CheckFacts.parsed(wire)).isNull();
    CheckFacts facts = CheckFacts.skimmedWhole(wire);
    assertThat(facts).isEqualTo(CheckFacts.reduced(wire));
    assertThat(facts.peer()).isEqualTo("203.0.113.7");
    assertThat(facts.target()).isEqualTo("/\u00ffndex.html?a=b");
  }

  @Test
  void read_truncatedAnywhere_isRefusedOrWhole() throws InvalidProtocolBufferException {
    byte[] wire =
        CheckRequests.with("203.0.113.7", CheckRequests.BROWSER, Map.of("policy", "shop"))
            .toByteArray();
    for (int length = 0; length < wire.length; length++) {
      check(Arrays.copyOf(wire, length));
    }
  }

  @Test
  void read_60KbOfHeaders_findsWhatItReads() {
    byte[] wire = CheckRequests.large(60 * 1024).toByteArray();
    assertThat(wire.length).isGreaterThan(60 * 1024);
    CheckFacts facts = CheckFacts.skimmedWhole(wire);
    assertThat(facts).isEqualTo(CheckFacts.parsed(wire));
    assertThat(facts.headers()).containsKey("x-forwarded-for");
  }

  @Test
  void read_varintOfTenBytes_isAsTheGeneratedParser() throws InvalidProtocolBufferException {
    // HttpRequest.size; the runtime takes a tenth byte that goes on, if its low bit is set.
    for (int last = 0; last < 256; last++) {
      byte[] wire = new byte[22];
      Arrays.fill(wire, (byte) 0xff);
      byte[] frames = {0x0a, 20, 0x22, 18, 0x12, 16, 0x48};
      System.arraycopy(frames, 0, wire, 0, frames.length);
      wire[16] = (byte) last;
      byte[] method = {0x12, 3, 'G', 'E', 'T'};
      System.arraycopy(method, 0, wire, 17, method.length);
      boolean expected = last < 128 || last % 2 == 1;
      assertThat(check(wire)).as("last byte %d", last).isEqualTo(expected);
    }
  }

  @Test
  void read_randomMessages_isAsTheGeneratedParser() throws InvalidProtocolBufferException {
    random(false);
  }

  @Test
  void read_randomDamagedMessages_isAsTheGeneratedParser() throws InvalidProtocolBufferException {
    random(true);
  }

  private static void random(boolean damaged) throws InvalidProtocolBufferException {
    long seed = new Random().nextLong();
    System.out.println("seed of the messages: " + seed);
    RandomCheckRequests requests = new RandomCheckRequests(new Random(seed), damaged);
    int accepted = 0;
    for (int i = 0; i < ROUNDS; i++) {
      if (check(requests.next())) {
        accepted++;
      }
    }
    // Else it would only compare refusals.
    assertThat(accepted).isGreaterThan(ROUNDS / 4);
  }

  /** Compares the three readings; returns whether the skimmer accepted. */
  static boolean check(byte[] wire) throws InvalidProtocolBufferException {
    CheckFacts skimmed = CheckFacts.skimmed(wire);
    CheckFacts parsed = CheckFacts.parsed(wire);
    CheckFacts reduced = CheckFacts.reduced(wire);
    if (parsed != null) {
      assertThat(skimmed).as("bytes %s", hex(wire)).isEqualTo(parsed);
    }
    if (skimmed != null && reduced != null && CheckFacts.hasOtherAddress(wire)) {
      assertThat(skimmed.withoutPeer()).as("bytes %s", hex(wire)).isEqualTo(reduced.withoutPeer());
    } else {
      assertThat(skimmed).as("bytes %s", hex(wire)).isEqualTo(reduced);
    }
    return skimmed != null;
  }

  private static String hex(byte[] wire) {
    return HexFormat.of().formatHex(wire);
  }

  private static HeaderValue raw(String name, String value) {
    return HeaderValue.newBuilder()
        .setKey(name)
        .setRawValue(ByteString.copyFromUtf8(value))
        .build();
  }
}
