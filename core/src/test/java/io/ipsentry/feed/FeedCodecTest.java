package io.ipsentry.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FeedCodecTest {
  static byte[] write(PrefixSet set) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    FeedCodec.write(set, out);
    return out.toByteArray();
  }

  static PrefixSet read(byte[] bytes) throws IOException {
    return FeedCodec.read(new ByteArrayInputStream(bytes), bytes.length);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "0.0.0.0",
        "255.255.255.255",
        "0.0.0.0/0",
        "0.0.0.0/1 128.0.0.0/1",
        "192.0.2.0 192.0.2.1 192.0.2.2/31",
        "203.0.113.0/24",
        "::/0",
        "::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8::1 2001:db8::2 2001:db8:0:1::/64",
        "198.51.100.7 2001:db8::/32",
        "::/0 0.0.0.0/0",
        "::fffe:0:0/96 ::1:0:0:0/96 192.0.2.1"
      })
  void set_writtenAndRead_isTheSame(String prefixes) throws IOException {
    PrefixSet set =
        PrefixSet.parse(
            Arrays.stream(prefixes.split(" ")).filter(t -> !t.isEmpty()).toArray(String[]::new));
    assertThat(read(write(set))).isEqualTo(set);
  }

  @Test
  void set_random_isTheSameWhateverTheOrderItWasMadeOf() throws IOException {
    for (int seed = 1; seed <= 200; seed++) {
      Random random = new Random(seed);
      PrefixSet set = Prefixes.random(random, 1 + random.nextInt(seed % 10 == 0 ? 20_000 : 300));
      byte[] bytes = write(set);
      assertThat(read(bytes)).as("seed %d", seed).isEqualTo(set);
      List<IpPrefix> shuffled = new ArrayList<>(set.prefixes());
      Collections.shuffle(shuffled, random);
      assertThat(write(PrefixSet.of(shuffled))).as("seed %d", seed).isEqualTo(bytes);
    }
  }

  @Test
  void set_aMillionScatteredAddresses_takesThreeBytesEach() throws IOException {
    Random random = new Random(7);
    int[] addresses = random.ints(1_000_000).distinct().toArray();
    PrefixSet set = PrefixSet.of(Arrays.stream(addresses).mapToObj(IpPrefix::ofV4).toList());
    byte[] bytes = write(set);
    assertThat(bytes).hasSizeLessThan(3_100_000);
    assertThat(read(bytes)).isEqualTo(set);
  }

  @Test
  void bytes_cutOrChanged_areRefusedOrAnotherSet() throws IOException {
    PrefixSet set = Prefixes.random(new Random(3), 40);
    byte[] bytes = write(set);
    for (int end = 0; end < bytes.length; end++) {
      byte[] cut = Arrays.copyOf(bytes, end);
      assertThatThrownBy(() -> read(cut))
          .as("%d bytes", end)
          .isInstanceOf(InvalidFeedException.class);
    }
    byte[] longer = Arrays.copyOf(bytes, bytes.length + 1);
    assertThatThrownBy(() -> read(longer))
        .isInstanceOf(InvalidFeedException.class)
        .hasMessageContaining("behind its end");
    for (int at = 0; at < bytes.length; at++) {
      byte[] changed = bytes.clone();
      changed[at] ^= (byte) (1 << at % 8);
      PrefixSet found = readOrNothing(changed);
      assertThat(found).as("byte %d", at).isNotEqualTo(set);
    }
  }

  private static PrefixSet readOrNothing(byte[] bytes) throws IOException {
    try {
      return read(bytes);
    } catch (InvalidFeedException e) {
      return PrefixSet.empty();
    }
  }
}
