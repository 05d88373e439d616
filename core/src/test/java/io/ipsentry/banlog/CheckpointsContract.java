package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What every {@link Checkpoints} promises; an implementation's test extends it. */
public abstract class CheckpointsContract {
  /** None saved yet. */
  protected abstract Checkpoints create();

  @Test
  final void save_someAndForgetOthers_leavesTheRest() {
    Checkpoints checkpoints = create();
    assertThat(checkpoints.load()).isEmpty();
    checkpoints.save(Map.of("a", bytes(1), "b", bytes(2), "c", bytes(0)), Set.of());
    checkpoints.save(Map.of("b", bytes(3), "d/ü", bytes(4)), Set.of("a", "never there"));

    Map<String, byte[]> loaded = checkpoints.load();
    assertThat(loaded).containsOnlyKeys("b", "c", "d/ü");
    assertThat(loaded.get("b")).isEqualTo(bytes(3));
    assertThat(loaded.get("c")).isEmpty();
    assertThat(checkpoints.load("b")).hasValue(bytes(3));
    assertThat(checkpoints.load("a")).isEmpty();
  }

  @Test
  final void save_tenMegabytes_isReadBack() {
    Checkpoints checkpoints = create();
    byte[] large = new byte[10_000_000];
    new Random(1).nextBytes(large);
    checkpoints.save(Map.of("large", large), Set.of());
    checkpoints.save(Map.of("small", bytes(3)), Set.of());

    assertThat(checkpoints.load().get("large")).isEqualTo(large);
  }

  @Test
  final void save_tooLarge_isRefusedAndChangesNothing() {
    Checkpoints checkpoints = create();
    byte[] tooLarge = new byte[Checkpoints.MAX_BYTES + 1];

    assertThatThrownBy(() -> checkpoints.save(Map.of("a", bytes(1), "b", tooLarge), Set.of()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> checkpoints.save(Map.of("n".repeat(5_000), bytes(1)), Set.of()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(checkpoints.load()).isEmpty();
  }

  @Test
  final void save_brokenOff_changesNothing() {
    Checkpoints checkpoints = create();
    checkpoints.save(Map.of("a", bytes(1), "b", bytes(2)), Set.of());

    assertThatThrownBy(() ->
            checkpoints.save(changes -> {
              changes.forget("a");
              changes.put("b", bytes(3));
              throw new IllegalStateException("there is no more");
            }))
        .hasMessage("there is no more");

    assertThat(checkpoints.load()).containsOnlyKeys("a", "b");
    assertThat(checkpoints.load("b")).hasValue(bytes(2));
  }

  @Test
  final void save_oneArrayForSeveral_keepsWhatItHeldThen() {
    Checkpoints checkpoints = create();
    byte[] mine = bytes(1);
    checkpoints.save(changes -> {
      changes.put("a", mine);
      mine[0] = 99;
      changes.put("b", mine);
    });

    assertThat(checkpoints.load("a")).hasValue(bytes(1));
    assertThat(checkpoints.load("b")).hasValue(new byte[] {99});
  }

  @Test
  final void load_changedByItsCaller_isNotChangedInTheStore() {
    Checkpoints checkpoints = create();
    byte[] mine = bytes(2);
    checkpoints.save(Map.of("a", mine), Set.of());
    mine[0] = 99;
    checkpoints.load().values().forEach(bytes -> bytes[1] = 99);

    assertThat(checkpoints.load().get("a")).isEqualTo(bytes(2));
  }

  private static byte[] bytes(int count) {
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = (byte) (i + 1);
    }
    return bytes;
  }
}
