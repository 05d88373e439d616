package io.ipsentry.kubernetes.checkup;

import java.util.Optional;

/**
 * What the cluster says, or why it does not.
 *
 * @param <T> the fact
 */
public sealed interface Answer<T> {
  /** It says this. */
  record Told<T>(T value) implements Answer<T> {}

  /**
   * It does not say.
   *
   * @param why for people
   * @param forbidden whether the person may not ask
   */
  record Untold<T>(String why, boolean forbidden) implements Answer<T> {}

  /** The fact; empty: it was not told. */
  default Optional<T> told() {
    return this instanceof Told<T>(var value) ? Optional.of(value) : Optional.empty();
  }
}
