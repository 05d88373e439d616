package io.ipsentry.line;

import static io.ipsentry.line.ClientAddressResolver.Mode.AUTO;
import static io.ipsentry.line.ClientAddressResolver.Mode.HEADER;
import static io.ipsentry.line.ClientAddressResolver.Mode.PEER;
import static io.ipsentry.line.ClientAddressResolver.Mode.X_FORWARDED_FOR;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.line.ClientAddressResolver.Mode;
import io.ipsentry.line.ClientAddressResolver.Outcome;
import io.ipsentry.line.ClientAddressResolver.Settings;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClientAddressResolverTest {
  private static final PrefixSet PROXIES = PrefixSet.parse("198.51.100.0/24", "2001:db8:ffff::/48");

  /** {@code -} is absent; the result is the address and how it was seen, or the outcome. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // what the gateway vouches for
        "203.0.113.7          | -              | -                             | 203.0.113.7 peer",
        "203.0.113.7:51324    | -              | -                             | 203.0.113.7 peer",
        "[2001:db8::7]:51324  | -              | -                             | 2001:db8::7 peer",
        "::ffff:203.0.113.7   | 203.0.113.7    | -                             | 203.0.113.7 peer",
        "fe80::1%eth0         | -              | -                             | fe80::1 peer",
        "203.0.113.7          | 10.0.0.5       | -                             | 203.0.113.7"
            + " forwarded",
        "203.0.113.7          | 203.0.113.7:80 | 192.0.2.66                    | 203.0.113.7 peer",
        // unless it is a trusted proxy and there is a list
        "198.51.100.9         | -              | -                             | 198.51.100.9 peer",
        "198.51.100.9         | -              | 192.0.2.66, 203.0.113.7       | 203.0.113.7"
            + " forwarded",
        "198.51.100.9         | -              | 192.0.2.66, 203.0.113.7, 198.51.100.8 |"
            + " 203.0.113.7 forwarded",
        "198.51.100.9         | -              | 203.0.113.7,198.51.100.8,     | 203.0.113.7"
            + " forwarded",
        "198.51.100.9         | -              | ' , '                         | 198.51.100.9 peer",
        "198.51.100.9         | -              | 192.0.2.66, unknown           | 198.51.100.9 peer",
        "198.51.100.9         | -              | 192.0.2.66, unknown, 198.51.100.8 | 198.51.100.8"
            + " forwarded",
        "198.51.100.9         | -              | 198.51.100.1, 198.51.100.2    | 198.51.100.1"
            + " forwarded",
        "198.51.100.9         | -              | [2001:db8::7]:443, 2001:db8:ffff::1 | 2001:db8::7"
            + " forwarded",
        // Traefik: a list and the source of the packets
        "-                    | 203.0.113.7:80 | 203.0.113.7                   | 203.0.113.7 peer",
        "-                    | 203.0.113.7:80 | 192.0.2.66                    | 203.0.113.7 peer",
        "-                    | 203.0.113.7:80 | -                             | 203.0.113.7 peer",
        "-                    | 10.42.0.1:80   | 203.0.113.7                   | 203.0.113.7"
            + " forwarded",
        "-                    | 10.42.0.1:80   | 10.42.0.1                     | 10.42.0.1 peer",
        "-                    | 127.0.0.1:80   | 192.0.2.66, 203.0.113.7       | 203.0.113.7"
            + " forwarded",
        "-                    | 198.51.100.9:1 | 192.0.2.66, 203.0.113.7       | 203.0.113.7"
            + " forwarded",
        "-                    | 10.42.0.1:80   | evil                          | 10.42.0.1 peer",
        "-                    | evil           | 203.0.113.7                   | NOT_AN_ADDRESS",
        // Envoy's text: a list only
        "-                    | -              | 192.0.2.66,203.0.113.7        | 203.0.113.7"
            + " forwarded",
        "-                    | -              | 203.0.113.7, 198.51.100.9     | 203.0.113.7"
            + " forwarded",
        "-                    | -              | 203.0.113.7, x                | NOT_AN_ADDRESS",
        // nothing, or nothing of use
        "-                    | -              | -                             | ABSENT",
        "host.example         | -              | -                             | NOT_AN_ADDRESS",
        "unix:                | -              | -                             | NOT_AN_ADDRESS",
        "unix:                | -              | 192.0.2.66, 203.0.113.7       | 203.0.113.7"
            + " forwarded",
        "010.0.0.1            | -              | -                             | NOT_AN_ADDRESS",
      })
  void resolve_auto(String client, String peer, String list, String expected) {
    assertThat(resolve(new Settings(AUTO, PROXIES, 0, null), client, peer, list))
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "PEER   | 203.0.113.7 | 10.0.0.5     | 192.0.2.66               | 10.0.0.5 peer",
        "PEER   | 203.0.113.7 | -            | 192.0.2.66               | 203.0.113.7 peer",
        "PEER   | -           | -            | 192.0.2.66               | ABSENT",
        "HEADER | -           | 198.51.100.9 | 203.0.113.7              | 203.0.113.7 forwarded",
        "HEADER | -           | 192.0.2.80   | 203.0.113.7              | 192.0.2.80 peer",
        "HEADER | -           | -            | 203.0.113.7              | 203.0.113.7 forwarded",
        "HEADER | -           | 198.51.100.9 | 192.0.2.66, 203.0.113.7  | 198.51.100.9 peer",
        "HEADER | 198.51.100.9 | -           | -                        | 198.51.100.9 peer",
        "HEADER | -           | -            | nobody                   | NOT_AN_ADDRESS",
        "X_FORWARDED_FOR | 198.51.100.9 | -  | 192.0.2.66, 203.0.113.7  | 203.0.113.7 forwarded",
        "X_FORWARDED_FOR | 203.0.113.7  | -  | 192.0.2.66               | 203.0.113.7 peer",
        "X_FORWARDED_FOR | -           | -   | 192.0.2.66, 203.0.113.7  | 203.0.113.7 forwarded",
        "X_FORWARDED_FOR | 203.0.113.7 | -   | -                        | 203.0.113.7 peer",
      })
  void resolve_explicitModes(
      String mode, String client, String peer, String list, String expected) {
    Settings settings = new Settings(Mode.valueOf(mode), PROXIES, 0, null);
    assertThat(resolve(settings, client, peer, list)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1 | 10.0.0.5 | 192.0.2.66, 203.0.113.7, 10.0.0.4   | 203.0.113.7 forwarded",
        "2 | 10.0.0.5 | 203.0.113.7, 10.0.0.3,, 10.0.0.4    | 203.0.113.7 forwarded",
        "2 | 10.0.0.5 | 192.0.2.66, 10.0.0.4                | 10.0.0.5 peer",
        "2 | -        | 192.0.2.66, 10.0.0.4                | TOO_FEW_HOPS",
        "1 | -        | unknown, 10.0.0.4                   | NOT_AN_ADDRESS",
      })
  void resolve_byHops(int hops, String client, String list, String expected) {
    Settings settings = new Settings(X_FORWARDED_FOR, PrefixSet.empty(), hops, null);
    assertThat(resolve(settings, client, "-", list)).isEqualTo(expected);
  }

  @Test
  void resolve_seenAsGiven_isStated() {
    Settings settings = new Settings(AUTO, PrefixSet.empty(), 0, SeenAs.FORWARDED);
    assertThat(resolve(settings, "203.0.113.7", "-", "-")).isEqualTo("203.0.113.7 forwarded");
  }

  @Test
  void resolve_ambiguousLine_isNotBelieved() {
    ClientAddressResolver resolver = new ClientAddressResolver(Settings.DEFAULT);
    RequestFacts facts = facts("203.0.113.7", "-", "-");
    facts.addressAmbiguous(true);
    assertThat(resolver.resolve(facts, new ClientAddress())).isEqualTo(Outcome.AMBIGUOUS);
    assertThat(resolver.disbelieved()).isEqualTo(1);
  }

  @Test
  void disbelieved_untrustedSenderWithAList_counts() {
    ClientAddressResolver resolver = new ClientAddressResolver(Settings.DEFAULT);
    ClientAddress client = new ClientAddress();
    resolver.resolve(facts("-", "203.0.113.7:1", "203.0.113.7"), client);
    assertThat(resolver.disbelieved()).isZero();
    resolver.resolve(facts("-", "203.0.113.7:1", "192.0.2.66"), client);
    assertThat(resolver.disbelieved()).isEqualTo(1);
  }

  @Test
  void settings_nonsense_isRefused() {
    assertThatThrownBy(() -> new Settings(PEER, PROXIES, -1, null))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Settings(HEADER, PROXIES, 0, SeenAs.FEED))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /**
   * Whatever a client sends as its own header, the result is the address that the trusted proxies
   * saw, in every mode that reads lists.
   */
  @Test
  void resolve_anyForgedPrefix_findsTheAddressTheProxySaw() {
    long seed = 20_261_121;
    Random random = new Random(seed);
    String[] forged = {
      "192.0.2.66",
      "unknown",
      "",
      " ",
      "198.51.100.7",
      "[::1]",
      "10.0.0.1",
      "a\"b",
      "::ffff:192.0.2.66"
    };
    for (int i = 0; i < 20_000; i++) {
      StringBuilder list = new StringBuilder();
      for (int k = random.nextInt(5); k > 0; k--) {
        list.append(forged[random.nextInt(forged.length)])
            .append(random.nextBoolean() ? "," : ", ");
      }
      String truth = "203.0.113." + random.nextInt(256);
      list.append(truth);
      for (int k = random.nextInt(4); k > 0; k--) {
        list.append(", 198.51.100.").append(random.nextInt(256));
      }
      String text = list.toString();
      assertThat(resolve(new Settings(AUTO, PROXIES, 0, null), "198.51.100.1", "-", text))
          .as("%s, seed %d", text, seed)
          .isEqualTo(truth + " forwarded");
      assertThat(resolve(new Settings(AUTO, PROXIES, 0, null), "-", "10.0.0.1:80", text))
          .isEqualTo(truth + " forwarded");
      assertThat(resolve(new Settings(X_FORWARDED_FOR, PROXIES, 0, null), "-", "-", text))
          .isEqualTo(truth + " forwarded");
    }
  }

  private static String resolve(Settings settings, String client, String peer, String list) {
    ClientAddress found = new ClientAddress();
    Outcome outcome = new ClientAddressResolver(settings).resolve(facts(client, peer, list), found);
    IpPrefix address = outcome == Outcome.FOUND ? found.toPrefix() : IpPrefix.parse("::");
    return outcome == Outcome.FOUND
        ? address + " " + found.seenAs().wireName()
        : outcome.toString();
  }

  private static RequestFacts facts(String client, String peer, String list) {
    RequestFacts facts = new RequestFacts();
    set(facts.client(), client);
    set(facts.peer(), peer);
    set(facts.forwardedFor(), list);
    return facts;
  }

  private static void set(Slice slice, String text) {
    if (!text.equals("-")) {
      byte[] b = Lines.bytes("x" + text + "x");
      slice.set(b, 1, b.length - 1);
    }
  }
}
