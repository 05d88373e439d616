package io.ipsentry.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A certificate or key cannot be used. Permanent until the file changes. */
public final class TlsFileException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Path file;
  private final String what;
  private final String mend;

  TlsFileException(Path file, String what, String mend, @Nullable Throwable cause) {
    super(file + " " + what + "; " + mend, cause);
    this.file = file;
    this.what = what;
    this.mend = mend;
  }

  /** A certificate that can be read, but that TLS refuses. */
  public static TlsFileException unusable(Path certificate, Throwable cause) {
    return new TlsFileException(
        certificate, "cannot be used for TLS: " + cause.getMessage(), "use another one", cause);
  }

  /** The file. */
  public Path file() {
    return file;
  }

  /** What is wrong, to be read after the name of the file. */
  public String what() {
    return what;
  }

  /** What to do about it. */
  public String mend() {
    return mend;
  }
}
