package io.ipsentry.fail2ban;

import java.io.Serial;
import java.nio.file.Path;

/** A configuration of fail2ban that cannot be used as it is written. */
public final class Fail2banException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  /**
   * Says what is wrong.
   *
   * @param what one line, with the place in front where it is known
   */
  Fail2banException(String what) {
    super(what);
  }

  Fail2banException(String what, Throwable cause) {
    super(what, cause);
  }

  static Fail2banException at(Path file, int line, String what) {
    return new Fail2banException(file + ":" + line + ": " + what);
  }
}
