package io.ipsentry.fail2ban;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What a configuration tree is read from. Confined to one thread. */
public interface TreeFiles {
  /** The bytes of a file; empty when there is none, or none that can be read. */
  Optional<byte[]> read(Path file);

  /** The files of a directory, in any order; empty when there is no such directory. */
  List<Path> list(Path directory);
}
