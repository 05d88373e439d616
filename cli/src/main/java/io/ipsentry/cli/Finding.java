package io.ipsentry.cli;

/**
 * What one check of {@code doctor} found.
 *
 * @param check what was looked at, such as {@code source nginx}
 * @param state how it is
 * @param what what was found, one line
 * @param why why it matters; empty where the rest says it
 * @param mend how to mend it; empty when all is well
 */
record Finding(String check, State state, String what, String why, String mend) {
  /** How it is. */
  enum State {
    /** All is well. */
    OK,
    /** It works, but perhaps not as meant. */
    WARN,
    /** It does not work. */
    FAIL
  }

  static Finding ok(String check, String what) {
    return new Finding(check, State.OK, what, "", "");
  }

  static Finding warn(String check, String what, String mend) {
    return new Finding(check, State.WARN, what, "", mend);
  }

  static Finding fail(String check, String what, String mend) {
    return new Finding(check, State.FAIL, what, "", mend);
  }

  /** The same with why it matters. */
  Finding because(String reason) {
    return new Finding(check, state, what, reason, mend);
  }
}
