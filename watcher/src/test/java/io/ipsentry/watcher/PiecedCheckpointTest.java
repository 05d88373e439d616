package io.ipsentry.watcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.Checkpoints;
import io.ipsentry.banlog.InMemoryCheckpoints;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link PiecedCheckpoint} and what {@link ChangedCheckpoints} does with it. */
class PiecedCheckpointTest {
  private static final int PIECE = PiecedCheckpoint.PIECE;

  private final FailingCheckpoints stored = new FailingCheckpoints();

  /** A store that may break off behind the changes. */
  private static final class FailingCheckpoints implements Checkpoints {
    private final InMemoryCheckpoints stored = new InMemoryCheckpoints();
    private boolean fails;
    private int saves;

    @Override
    public void save(Consumer<Changes> changes) {
      saves++;
      stored.save(into -> {
        changes.accept(into);
        if (fails) {
          throw BanLogException.permanent("no room on the disk");
        }
      });
    }

    @Override
    public Map<String, byte[]> load() {
      return stored.load();
    }

    @Override
    public Optional<byte[]> load(String name) {
      return stored.load(name);
    }
  }

  private static byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  private static PiecedCheckpoint of(byte[] bytes) {
    return new PiecedCheckpoint(
        "windows",
        out -> {
          // By bytes and by arrays, as numbers and texts are written.
          out.write(bytes, 0, bytes.length / 2);
          for (int i = bytes.length / 2; i < bytes.length; i++) {
            out.writeByte(bytes[i]);
          }
        });
  }

  private void save(ChangedCheckpoints checkpoints, byte[] bytes) {
    checkpoints.put(of(bytes), PiecedCheckpoint.pieces("windows", stored.load()));
    checkpoints.save(Set.of());
  }

  private byte[] read() throws IOException {
    return PiecedCheckpoint.read("windows", stored.load()).readAllBytes();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 7})
  void write_anyLength_isReadBackInPieces(int length) throws IOException {
    save(new ChangedCheckpoints(stored), bytes(length));

    assertThat(read()).isEqualTo(bytes(length));
    assertThat(stored.load().values()).allMatch(piece -> piece.length <= PIECE);
  }

  @Test
  void write_lessThanBefore_forgetsTheRest_alsoInAnotherProcess() throws IOException {
    ChangedCheckpoints checkpoints = new ChangedCheckpoints(stored);
    save(checkpoints, bytes(5 * PIECE));
    save(checkpoints, bytes(3 * PIECE));
    assertThat(read()).isEqualTo(bytes(3 * PIECE));

    save(new ChangedCheckpoints(stored), bytes(10));
    assertThat(stored.load()).containsOnlyKeys("windows/0");
    assertThat(read()).isEqualTo(bytes(10));
  }

  @Test
  void save_failed_leavesWhatWasThere_andIsMadeUpFor() throws IOException {
    ChangedCheckpoints checkpoints = new ChangedCheckpoints(stored);
    save(checkpoints, bytes(5 * PIECE));
    stored.fails = true;
    assertThatThrownBy(() -> save(checkpoints, bytes(7))).isInstanceOf(BanLogException.class);
    assertThat(read()).isEqualTo(bytes(5 * PIECE));

    stored.fails = false;
    save(checkpoints, bytes(7));
    assertThat(stored.load()).containsOnlyKeys("windows/0");
    assertThat(read()).isEqualTo(bytes(7));
  }

  @Test
  void save_unchanged_writesNothing() {
    ChangedCheckpoints checkpoints = new ChangedCheckpoints(stored);
    save(checkpoints, bytes(PIECE));
    save(checkpoints, bytes(PIECE));
    assertThat(stored.saves).isEqualTo(1);

    byte[] other = bytes(PIECE);
    other[PIECE / 3]++;
    save(checkpoints, other);
    assertThat(stored.saves).isEqualTo(2);
  }

  /** This version, an earlier one, and this again. */
  @Test
  void read_piecesAndOneOfAnEarlierVersion_takesThatOne() throws IOException {
    save(new ChangedCheckpoints(stored), bytes(2 * PIECE));
    stored.save(Map.of("windows", bytes(3)), Set.of());
    assertThat(read()).isEqualTo(bytes(3));

    ChangedCheckpoints checkpoints = new ChangedCheckpoints(stored);
    checkpoints.put(of(bytes(5)), 3);
    checkpoints.save(Set.of("windows"));
    assertThat(stored.load()).containsOnlyKeys("windows/0");
    assertThat(read()).isEqualTo(bytes(5));
  }

  /** Of an earlier version, whose windows were one checkpoint. */
  @Test
  void save_theSameAsOneCheckpoint_isStoredInPieces() throws IOException {
    stored.save(Map.of("windows", bytes(PIECE + 1)), Set.of());
    ChangedCheckpoints checkpoints = new ChangedCheckpoints(stored);
    assertThat(checkpoints.load()).containsOnlyKeys("windows");
    checkpoints.put(of(bytes(PIECE + 1)), 0);
    checkpoints.save(Set.of("windows"));

    assertThat(stored.load()).containsOnlyKeys("windows/0", "windows/1");
    assertThat(read()).isEqualTo(bytes(PIECE + 1));
  }
}
