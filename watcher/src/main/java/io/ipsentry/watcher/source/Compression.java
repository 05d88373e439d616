package io.ipsentry.watcher.source;

import java.util.List;

/**
 * A way to compress a file, known by its first bytes.
 *
 * @param program that unpacks it
 */
record Compression(String program, List<Integer> magic) {
  static final Compression NONE = new Compression("cat", List.of());

  /** RFC 1952 section 2.3.1. */
  static final Compression GZIP = new Compression("gzip", List.of(0x1f, 0x8b));

  /** Longest magic number. */
  static final int MAX_MAGIC_BYTES = 6;

  private static final List<Compression> ALL =
      List.of(
          GZIP,
          new Compression("zstd", List.of(0x28, 0xb5, 0x2f, 0xfd)),
          new Compression("xz", List.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)),
          new Compression("bzip2", List.of(0x42, 0x5a, 0x68)));

  Compression {
    magic = List.copyOf(magic);
  }

  /** Tells by the first {@code length} bytes of a file. */
  static Compression of(byte[] beginning, int length) {
    return ALL.stream().filter(c -> c.starts(beginning, length)).findFirst().orElse(NONE);
  }

  private boolean starts(byte[] beginning, int length) {
    if (length < magic.size()) {
      return false;
    }
    for (int i = 0; i < magic.size(); i++) {
      if ((beginning[i] & 0xff) != magic.get(i)) {
        return false;
      }
    }
    return true;
  }
}
