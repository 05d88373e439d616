package io.ipsentry.stage;

import org.jspecify.annotations.Nullable;

/** Ends one part after the other, also when one of them fails. Confined to one thread. */
final class Ending {
  private @Nullable RuntimeException failure;

  /** Ends a part. */
  void end(Runnable part) {
    try {
      part.run();
    } catch (RuntimeException e) {
      if (failure == null) {
        failure = e;
      } else {
        failure.addSuppressed(e);
      }
    }
  }

  /** Throws the first failure there was, with the others in it. */
  void rethrow() {
    if (failure != null) {
      throw failure;
    }
  }
}
