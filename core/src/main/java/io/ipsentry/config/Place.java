package io.ipsentry.config;

import io.ipsentry.config.YamlNode.Position;

/**
 * Where a value stands: file, position and path in the document.
 *
 * @param file as messages name it
 * @param at line and column; line 0: the whole file; column 0: the whole line
 * @param path such as {@code rules[0].match}; empty: the document
 */
record Place(String file, Position at, String path) {
  /** A file as a whole. */
  static Place file(String file) {
    return new Place(file, new Position(0, 0), "");
  }

  /** A line of a file that is no document. */
  static Place line(String file, int line) {
    return new Place(file, new Position(line, 0), "");
  }

  /** The value of a key of the mapping at this place. */
  Place key(String key, Position position) {
    return new Place(file, position, path.isEmpty() ? key : path + "." + key);
  }

  /** A member of the list at this place. */
  Place item(int index, Position position) {
    return new Place(file, position, path + "[" + index + "]");
  }
}
