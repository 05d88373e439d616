package io.ipsentry.watcher.source;

/** A file is compressed in a way that is not read here. Permanent. */
public final class UnsupportedCompressionException extends RuntimeException {
  UnsupportedCompressionException(String file, Compression found) {
    super(
        file
            + " is compressed with "
            + found.program()
            + ", of which only gzip is read; pipe it in: "
            + found.program()
            + " -dc FILE | ip-sentry replay -");
  }
}
