package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Datagrams of a dump, whole, torn and hostile. */
class SetDumpTest {
  private static final byte[] V4 = {(byte) 192, 0, 2, 1};
  private static final byte[] V4_TOO = {(byte) 198, 51, 100, 7};
  private static final byte[] V6 = {0x20, 1, 0xd, (byte) 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9};

  private final List<String> read = new ArrayList<>();
  private final SetDump dump = dump(4);

  private SetDump dump(int keyBytes) {
    return new SetDump(
        NetlinkMessages.SEQUENCE,
        keyBytes,
        (hi, lo, left) ->
            read.add(
                Long.toHexString(hi)
                    + ":"
                    + Long.toHexString(lo)
                    + (left == SetDump.NO_END ? "" : " " + left)));
  }

  @Test
  void read_datagramsOfOneGeneration_showsEachElement() throws IOException {
    ByteBuffer first =
        new NetlinkMessages()
            .elements(9, 0, list -> list.element(V4, 1_234).element(V4_TOO))
            .datagram();
    ByteBuffer second =
        new NetlinkMessages()
            .elements(9, 0, list -> list.element(V4, Long.MAX_VALUE))
            .end(NetlinkMessages.DONE, 0)
            .datagram();
    assertThat(dump.read(first)).isFalse();
    assertThat(dump.read(second)).isTrue();
    assertThat(read).containsExactly("0:c0000201 1234", "0:c6336407", "0:c0000201");
    assertThat(dump.isTorn()).isFalse();
  }

  @Test
  void read_addressesOf16Bytes_areShownInTwoHalves() throws IOException {
    SetDump ofV6 = dump(16);
    ByteBuffer datagram =
        new NetlinkMessages()
            .elements(9, 0, list -> list.element(V6, 5))
            .end(NetlinkMessages.DONE, 0)
            .datagram();
    assertThat(ofV6.read(datagram)).isTrue();
    assertThat(read).containsExactly("20010db800000000:9 5");
  }

  @Test
  void read_generationChangesInBetween_isTorn() throws IOException {
    dump.read(new NetlinkMessages().elements(9, 0, list -> list.element(V4)).datagram());
    assertThat(dump.isTorn()).isFalse();
    dump.read(new NetlinkMessages().elements(10, 0, list -> list.element(V4)).datagram());
    assertThat(dump.isTorn()).isTrue();
  }

  @Test
  void read_kernelSaysInterrupted_isTorn() throws IOException {
    int flag = NetlinkMessages.DUMP_INTERRUPTED;
    dump.read(new NetlinkMessages().elements(9, flag, list -> list.element(V4)).datagram());
    assertThat(dump.isTorn()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {4, 11, 16})
  void read_errorThatPasses_isTornAndTheLast(int errno) throws IOException {
    assertThat(dump.read(new NetlinkMessages().end(NetlinkMessages.ERROR, errno).datagram()))
        .isTrue();
    assertThat(dump.isTorn()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {NetlinkMessages.ERROR, NetlinkMessages.DONE})
  void read_errorThatStays_throws(int type) {
    ByteBuffer datagram = new NetlinkMessages().end(type, 2).datagram();
    assertThatThrownBy(() -> dump.read(datagram))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("error 2");
  }

  @Test
  void read_answersOfAnotherRequest_areSkipped() throws IOException {
    NetlinkMessages messages = new NetlinkMessages();
    messages.message(NetlinkMessages.DONE, 2, NetlinkMessages.SEQUENCE - 1, body -> {});
    ByteBuffer datagram =
        messages.elements(9, 0, list -> list.element(V4)).end(NetlinkMessages.DONE, 0).datagram();
    assertThat(dump.read(datagram)).isTrue();
    assertThat(read).containsExactly("0:c0000201");
  }

  @Test
  void read_elementOfEveryAddress_throws() {
    ByteBuffer datagram =
        new NetlinkMessages().elements(9, 0, list -> list.attribute(1, element -> {})).datagram();
    assertThatThrownBy(() -> dump.read(datagram)).hasMessage("an element without an address");
  }

  @Test
  void read_addressOfAnotherLength_throws() {
    ByteBuffer datagram = new NetlinkMessages().elements(9, 0, list -> list.element(V6)).datagram();
    assertThatThrownBy(() -> dump.read(datagram)).hasMessage("a key that is no address");
  }

  @Test
  void read_datagramCutAnywhere_throwsOrShowsLess() throws IOException {
    byte[] whole = whole();
    for (int length = 0; length < whole.length; length++) {
      read.clear();
      ByteBuffer cut = ByteBuffer.wrap(whole, 0, length).order(ByteOrder.nativeOrder());
      try {
        assertThat(dump(4).read(cut)).as("%d bytes", length).isFalse();
      } catch (IOException e) {
        assertThat(e).hasMessageMatching("a(n?) (message|list|attribute|key|element) .*");
      }
      assertThat(read).hasSizeLessThanOrEqualTo(3);
    }
  }

  @Test
  void read_randomlyChangedBytes_endsInAnswerOrIoException() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    byte[] whole = whole();
    int refused = 0;
    for (int round = 0; round < 50_000; round++) {
      byte[] bytes = whole.clone();
      for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      read.clear();
      try {
        dump(4).read(ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()));
      } catch (IOException e) {
        refused++;
      }
      assertThat(read).as("seed %d, round %d", seed, round).hasSizeLessThanOrEqualTo(12);
    }
    assertThat(refused).as("seed %d", seed).isPositive();
  }

  private static byte[] whole() {
    ByteBuffer datagram =
        new NetlinkMessages()
            .elements(9, 0, list -> list.element(V4, 1_234).element(V4_TOO).element(V4, 99_999))
            .end(NetlinkMessages.DONE, 0)
            .datagram();
    byte[] bytes = new byte[datagram.remaining()];
    datagram.get(bytes);
    return bytes;
  }
}
