package io.ipsentry.ban;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;

/** Whatever is read is a state that is written and read again as itself. */
final class BanSnapshotFuzzer {
  @FuzzTest(maxDuration = "2m")
  void read_anyBytes_refusesOrReadsAStateThatStays(byte[] body)
      throws IOException, NoSuchAlgorithmException {
    byte[] bytes = Arrays.copyOf(body, body.length + BanSnapshot.DIGEST_BYTES);
    // Nobody comes by a good checksum by chance, so it is put behind what is tried.
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(body);
    System.arraycopy(digest, 0, bytes, body.length, digest.length);
    ActiveBans state;
    try {
      state = BanSnapshotTest.read(bytes, ActiveBans.Limits.DEFAULT);
    } catch (InvalidSnapshotException e) {
      assertThat(e).hasMessageStartingWith("not a snapshot of bans: ");
      return;
    }
    byte[] written = BanSnapshotTest.write(state);
    ActiveBans again = BanSnapshotTest.read(written, ActiveBans.Limits.DEFAULT);
    assertThat(BanSnapshotTest.write(again)).isEqualTo(written);
    state.newestTime().ifPresent(at -> assertThat(again.list(at)).isEqualTo(state.list(at)));
  }
}
