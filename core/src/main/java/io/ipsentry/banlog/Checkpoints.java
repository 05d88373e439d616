package io.ipsentry.banlog;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Where sources stand, kept so that a restart neither loses nor repeats lines: bytes under a name.
 *
 * <p>Safe for any thread; throws {@link BanLogException} if they cannot be read or written.
 */
public interface Checkpoints {
  /** Largest checkpoint, in bytes; larger ones are refused as a programming error. */
  int MAX_BYTES = 100 * 1024 * 1024;

  /** Longest name, in characters. */
  int MAX_NAME_CHARS = 4_096;

  /** What a {@link #save} changes; of use only while that calls. */
  interface Changes {
    /**
     * Replaces a checkpoint.
     *
     * @param bytes the caller's again afterwards
     * @throws IllegalArgumentException if there are more than {@value #MAX_BYTES}, or the name is
     *     longer than {@value #MAX_NAME_CHARS} characters; nothing is changed then
     */
    void put(String name, byte[] bytes);

    /** Forgets a checkpoint, if there is one of that name. */
    void forget(String name);
  }

  /**
   * Makes changes, all together or, when something is thrown, not at all; what is not named stays.
   * Durable when it returns.
   *
   * @param changes called once, on this thread; it can make one checkpoint after the other, so that
   *     they need not be in memory together
   */
  void save(Consumer<Changes> changes);

  /** Replaces some checkpoints and forgets others, as {@link #save(Consumer)}. */
  default void save(Map<String, byte[]> changed, Set<String> forgotten) {
    save(changes -> {
      forgotten.forEach(changes::forget);
      changed.forEach(changes::put);
    });
  }

  /** All checkpoints, in order of their names. The arrays are the caller's. */
  Map<String, byte[]> load();

  /** One checkpoint; empty: there is none of that name. The array is the caller's. */
  Optional<byte[]> load(String name);
}
