package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.net.IpPrefix;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the kernel's programs list is read as they write it, wherever a read ends. */
class ListingsTest {
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.ofEpochMilli(1_000_000));

  @Test
  void ipset_randomElementsInRandomReads_areAllRead() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<String> wanted = new ArrayList<>();
    StringBuilder listing =
        new StringBuilder("create s hash:net family inet hashsize 1024 maxelem 16777216\n");
    for (int i = 0; i < 20_000; i++) {
      IpPrefix prefix =
          random.nextBoolean()
              ? IpPrefix.ofV4(random.nextInt()).truncate(1 + random.nextInt(32))
              : IpPrefix.of(
                  random.nextLong() | 1L << 62, random.nextLong(), 1 + random.nextInt(128));
      int timeout = random.nextInt(3) == 0 ? 0 : random.nextInt(2_147_483);
      listing.append("add s ").append(prefix);
      boolean refuses = random.nextInt(20) != 0;
      listing.append(timeout == 0 && random.nextBoolean() ? "" : " timeout " + timeout);
      listing.append(refuses ? "\n" : " nomatch\n");
      wanted.add(prefix + " " + (refuses ? timeout : -1));
    }
    List<String> read = new ArrayList<>();
    new IpsetListing(true, (prefix, timeout) -> read.add(prefix + " " + timeout))
        .readFrom(inPieces(listing.toString(), random));
    assertThat(read).as("seed %d", seed).isEqualTo(wanted);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "add s host.example timeout 5\n",
        "add s 1.2.3 timeout 5\n",
        "add s 1.2.3.4.5\n",
        "add s 256.1.1.1\n",
        "add s 1.2.3.4,tcp:80 timeout 5\n",
        "add s 1.2.3.4 timeout x\n",
        "add s 1.2.3.4 timeout 5"
      })
  void ipset_whatIsNoElement_isAnError(String listing) {
    assertThatThrownBy(() -> new IpsetListing(true, (p, t) -> {}).readFrom(stream(listing)))
        .isInstanceOf(IOException.class);
  }

  @Test
  void ipset_elementsOfAnotherType_canBeSkipped() throws IOException {
    List<IpPrefix> read = new ArrayList<>();
    new IpsetListing(false, (prefix, timeout) -> read.add(prefix))
        .readFrom(stream("add s 1.2.3.4,tcp:80 timeout 5\nadd s 192.0.2.1\nadd s eth0\n"));
    assertThat(read).containsExactly(IpPrefix.parse("192.0.2.1"));
  }

  @Test
  void ipset_aLineWithoutEnd_isAnError() {
    assertThatThrownBy(
            () -> new IpsetListing(true, (p, t) -> {}).readFrom(stream("x".repeat(100_000))))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("longer than");
  }

  @Test
  void nft_elements_areReadWithTheirEnds() throws IOException {
    List<String> read = new ArrayList<>();
    String listing =
        """
        table inet ip-blocker {
        \tset v4-24 {
        \t\ttype ipv4_addr
        \t\tflags timeout
        \t\telements = { 192.0.2.0 timeout 16m40s expires 1d2h3m4s5ms, 198.51.100.0,
        \t\t\t     203.0.113.0 timeout 36500d expires 36499d23h59m59s996ms,
        \t\t\t     10.0.0.0 timeout 2w expires 1w1ms }
        \t}
        }
        """;
    new NftElements(
            96 + 24, CLOCK, 18_250L * 86_400_000, (prefix, until) -> read.add(prefix + " " + until))
        .readFrom(stream(listing));
    assertThat(read)
        .containsExactly(
            "192.0.2.0/24 " + (1_000_000 + 93_784_005L),
            "198.51.100.0/24 " + PacketFilter.FOR_EVER,
            "203.0.113.0/24 " + PacketFilter.FOR_EVER,
            "10.0.0.0/24 " + (1_000_000 + 604_800_001L));
  }

  @ParameterizedTest
  @ValueSource(strings = {"host.example", "1.2.3.4 expires soon", "1.2.3.4-1.2.3.9", "@set"})
  void nft_whatIsNoElement_isAnError(String element) {
    assertThatThrownBy(() ->
            new NftElements(128, CLOCK, 1, (prefix, until) -> {})
                .readFrom(stream("elements = { " + element + " }\n")))
        .isInstanceOf(IOException.class);
  }

  @Test
  void output_numbersAndPrefixes_areWrittenAsTheyAre() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    AsciiOutput out = new AsciiOutput(bytes);
    StringBuilder wanted = new StringBuilder();
    Random random = new Random(4);
    for (int i = 0; i < 10_000; i++) {
      IpPrefix prefix =
          random.nextBoolean()
              ? IpPrefix.ofV4(random.nextInt()).truncate(random.nextInt(33))
              : IpPrefix.of(random.nextLong() | 1L << 62, random.nextLong(), random.nextInt(129));
      long number = random.nextLong() >>> (1 + random.nextInt(63));
      out.prefix(prefix).text(" ").number(number).text("\n");
      wanted.append(prefix).append(' ').append(number).append('\n');
    }
    out.flush();
    assertThat(bytes.toString(StandardCharsets.US_ASCII)).isEqualTo(wanted.toString());
  }

  private static InputStream stream(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII));
  }

  /** A stream that gives as little or much at a time as it likes. */
  private static InputStream inPieces(String text, Random random) {
    InputStream whole = stream(text);
    return new InputStream() {
      @Override
      public int read() throws IOException {
        return whole.read();
      }

      @Override
      public int read(byte[] into, int offset, int length) throws IOException {
        return whole.read(into, offset, Math.min(length, 1 + random.nextInt(5_000)));
      }
    };
  }
}
