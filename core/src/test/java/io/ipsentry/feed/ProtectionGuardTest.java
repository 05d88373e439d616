package io.ipsentry.feed;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.ReservedPrefixes;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class ProtectionGuardTest {
  private static List<IpPrefix> prefixes(String form, int count) {
    return IntStream.rangeClosed(1, count)
        .mapToObj(i -> IpPrefix.parse(String.format(form, i)))
        .toList();
  }

  @Test
  void refusal_rangesOfCloudflare_areTaken() {
    assertThat(ProtectionGuard.refusal(ReservedPrefixes.CLOUDFLARE)).isEmpty();
    assertThat(ProtectionGuard.refusal(PrefixSet.empty())).isEmpty();
  }

  @Test
  void refusal_onePrefixThatIsTooWide_namesIt() {
    for (String wide : List.of("0.0.0.0/0", "128.0.0.0/1", "203.0.0.0/9", "::/0", "2000::/3")) {
      assertThat(ProtectionGuard.refusal(PrefixSet.parse("198.51.100.0/24", wide)))
          .hasValueSatisfying(reason -> assertThat(reason).contains(wide, "is wider than /"));
    }
    assertThat(ProtectionGuard.refusal(PrefixSet.parse("203.0.0.0/10", "2001::/20"))).isEmpty();
  }

  @Test
  void refusal_manyThatAreTooMuchTogether_isGiven() {
    // 32 of a 1024th are the 32nd part that is allowed.
    assertThat(ProtectionGuard.refusal(PrefixSet.of(prefixes("%d.0.0.0/10", 32)))).isEmpty();
    assertThat(ProtectionGuard.refusal(PrefixSet.of(prefixes("%d.0.0.0/10", 33))))
        .hasValueSatisfying(reason -> assertThat(reason).contains("IPv4 addresses", "/5"));
    assertThat(ProtectionGuard.refusal(PrefixSet.of(prefixes("2%03x::/20", 16)))).isEmpty();
    assertThat(ProtectionGuard.refusal(PrefixSet.of(prefixes("2%03x::/20", 17))))
        .hasValueSatisfying(reason -> assertThat(reason).contains("IPv6 addresses", "/16"));
  }
}
