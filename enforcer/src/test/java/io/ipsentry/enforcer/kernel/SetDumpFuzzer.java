package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Whatever a datagram holds, it is read or refused, and shows no more elements than it has room
 * for. The seeds are what a kernel answered; requests had the number 7.
 */
final class SetDumpFuzzer {
  private static final int LEAST_BYTES_OF_AN_ELEMENT = 16;

  @FuzzTest(maxDuration = "2m")
  void read_anyBytes_isReadOrRefused(byte[] bytes) {
    for (int keyBytes : new int[] {4, 16}) {
      int[] shown = {0};
      SetDump dump = new SetDump(NetlinkMessages.SEQUENCE, keyBytes, (hi, lo, left) -> shown[0]++);
      ByteBuffer datagram = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
      try {
        boolean last = dump.read(datagram);
        assertThat(last || datagram.remaining() < 16).isTrue();
      } catch (IOException e) {
        assertThat(e.getMessage()).isNotBlank();
      }
      assertThat(shown[0]).isLessThanOrEqualTo(bytes.length / LEAST_BYTES_OF_AN_ELEMENT);
    }
  }
}
