package io.ipsentry.banlog;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

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

  /**
   * Replaces some checkpoints and forgets others, all together or not at all; those not named stay.
   * Durable when it returns.
   *
   * @throws IllegalArgumentException if one is larger than {@value #MAX_BYTES} bytes or its name
   *     longer than {@value #MAX_NAME_CHARS} characters
   */
  void save(Map<String, byte[]> changed, Set<String> forgotten);

  /** All checkpoints, in order of their names. The arrays are the caller's. */
  Map<String, byte[]> load();

  /** One checkpoint; empty: there is none of that name. The array is the caller's. */
  Optional<byte[]> load(String name);
}
