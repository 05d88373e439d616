package io.ipsentry.config;

import java.util.List;

/**
 * A piece of a YAML document with the place it was written at. Aliases are resolved: the same node
 * may be reached on several ways, but never from within itself.
 */
sealed interface YamlNode {
  /** Where it begins. */
  Position at();

  /** Line and column from 1, columns in characters. */
  record Position(int line, int column) {
    static final Position START = new Position(1, 1);
  }

  /**
   * A text.
   *
   * @param plain written without quotes, so that it may stand for a number, a truth value or
   *     nothing
   */
  record Scalar(String text, boolean plain, Position at) implements YamlNode {
    /** True for a value that is not there: {@code key:}, {@code ~} or {@code null}. */
    boolean isNothing() {
      return plain
          && (text.isEmpty() || text.equals("~") || text.equals("null") || text.equals("Null"));
    }
  }

  /** A list. */
  record Sequence(List<YamlNode> items, Position at) implements YamlNode {
    public Sequence {
      items = List.copyOf(items);
    }
  }

  /** Keys with values, in the order of the document; a key may stand there twice. */
  record Mapping(List<Entry> entries, Position at) implements YamlNode {
    public Mapping {
      entries = List.copyOf(entries);
    }
  }

  /** One key with its value. */
  record Entry(Scalar key, YamlNode value) {}
}
