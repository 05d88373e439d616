package io.ipsentry.config;

import io.ipsentry.config.YamlNode.Entry;
import io.ipsentry.config.YamlNode.Mapping;
import io.ipsentry.config.YamlNode.Position;
import io.ipsentry.config.YamlNode.Scalar;
import io.ipsentry.config.YamlNode.Sequence;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Reads one YAML 1.2 document of bounded size into a tree with places.
 *
 * <p>The tree is built here from the parser's events and not by the library's composer: that one
 * recurses as deep as the document nests, and lets aliases multiply. At each limit reading ends
 * with an error that names the limit. Confined to one thread; used once.
 */
final class YamlReader {
  /** Largest document, in bytes. */
  static final int MAX_BYTES = 4 << 20;

  /** Deepest nesting of lists and mappings. */
  static final int MAX_DEPTH = 32;

  /** Most nodes, where a node counts again each time an alias repeats it. */
  static final int MAX_NODES = 200_000;

  private static final String STANDARD_TAGS = "tag:yaml.org,2002:";

  private final String file;
  private final Problems problems;
  private final Map<String, Weighed> anchors = new HashMap<>();
  private int nodes;

  private YamlReader(String file, Problems problems) {
    this.file = file;
    this.problems = problems;
  }

  /**
   * Reads a document.
   *
   * @param file what messages call it
   * @return empty when it is not YAML that can be used; then there is an error in {@code problems}.
   *     An empty document is a mapping without keys
   */
  static Optional<YamlNode> read(String file, byte[] bytes, Problems problems) {
    return new YamlReader(file, problems).read(bytes);
  }

  private Optional<YamlNode> read(byte[] bytes) {
    if (bytes.length > MAX_BYTES) {
      problems.error(
          Place.file(file), "is larger than 4 MiB", "put long address lists into list files");
      return Optional.empty();
    }
    String text = "";
    try {
      text = decode(bytes);
      LoadSettings settings =
          LoadSettings.builder().setUseMarks(true).setCodePointLimit(MAX_BYTES + 1).build();
      return Optional.of(document(new Parse(settings).parseString(text).iterator()));
    } catch (Unusable unusable) {
      problems.error(at(unusable.position), unusable.what, unusable.mend);
    } catch (MarkedYamlEngineException e) {
      problems.error(
          at(e.getProblemMark().map(YamlReader::position).orElse(Position.START)),
          "is not YAML: " + oneLine(String.valueOf(e.getProblem())),
          mend(String.valueOf(e.getProblem())));
    } catch (ReaderException e) {
      problems.error(
          at(positionOf(text, e.getPosition())),
          "has the control character U+%04X".formatted(e.getCodePoint()),
          "remove it, or write it as an escape within double quotes");
    } catch (YamlEngineException e) {
      problems.error(
          Place.file(file),
          "is not YAML: " + oneLine(String.valueOf(e.getMessage())),
          "compare it with the examples");
    }
    return Optional.empty();
  }

  private static String decode(byte[] bytes) throws Unusable {
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    CharBuffer text = CharBuffer.allocate(bytes.length + 1);
    CoderResult result = decoder.decode(ByteBuffer.wrap(bytes), text, true);
    text.flip();
    if (result.isError()) {
      throw new Unusable(
          positionOf(text.toString(), Integer.MAX_VALUE), "is not UTF-8", "save the file as UTF-8");
    }
    boolean byteOrderMark = text.hasRemaining() && text.get(0) == '\ufeff';
    return byteOrderMark ? text.subSequence(1, text.length()).toString() : text.toString();
  }

  private YamlNode document(Iterator<Event> events) throws Unusable {
    YamlNode root = new Mapping(List.of(), Position.START);
    boolean seen = false;
    while (events.hasNext()) {
      Event event = events.next();
      switch (event.getEventId()) {
        case DocumentStart -> {
          if (seen) {
            throw new Unusable(
                start(event), "holds a second document", "remove it and the line --- before it");
          }
        }
        case Scalar, SequenceStart, MappingStart, Alias -> {
          root = node(event, events, 1).node();
          seen = true;
        }
        default -> {
          // Ends of stream and document, and comments, say nothing.
        }
      }
    }
    boolean nothing = root instanceof Scalar scalar && scalar.isNothing();
    return nothing ? new Mapping(List.of(), root.at()) : root;
  }

  /** A node with the number of nodes it stands for. */
  private record Weighed(YamlNode node, int weight) {}

  private Weighed node(Event event, Iterator<Event> events, int depth) throws Unusable {
    if (depth > MAX_DEPTH) {
      throw new Unusable(
          start(event), "nests deeper than " + MAX_DEPTH + " levels", "make it flatter");
    }
    if (event instanceof AliasEvent alias) {
      Weighed known = anchors.get(alias.getAlias().getValue());
      if (known == null) {
        throw new Unusable(
            start(event),
            "the alias *" + alias.getAlias().getValue() + " has no anchor before it",
            "put a text that begins with * between quotes");
      }
      count(known.weight(), start(event));
      return known;
    }
    count(1, start(event));
    int before = nodes - 1;
    YamlNode node =
        switch (event.getEventId()) {
          case Scalar -> scalar((ScalarEvent) event);
          case SequenceStart -> sequence((CollectionStartEvent) event, events, depth);
          case MappingStart -> mapping((CollectionStartEvent) event, events, depth);
          default -> throw new IllegalStateException("no node: " + event.getEventId());
        };
    Weighed weighed = new Weighed(node, nodes - before);
    ((NodeEvent) event).getAnchor().ifPresent(anchor -> anchors.put(anchor.getValue(), weighed));
    return weighed;
  }

  private void count(int more, Position at) throws Unusable {
    nodes += more;
    if (nodes > MAX_NODES) {
      throw new Unusable(
          at,
          "has more than " + MAX_NODES + " values, aliases counted each time",
          "put long address lists into list files");
    }
  }

  private static Scalar scalar(ScalarEvent event) throws Unusable {
    checkTag(event.getTag(), start(event));
    return new Scalar(event.getValue(), event.isPlain(), start(event));
  }

  private Sequence sequence(CollectionStartEvent start, Iterator<Event> events, int depth)
      throws Unusable {
    checkTag(start.getTag(), start(start));
    List<YamlNode> items = new ArrayList<>();
    for (Event event = events.next();
        event.getEventId() != Event.ID.SequenceEnd;
        event = events.next()) {
      items.add(node(event, events, depth + 1).node());
    }
    return new Sequence(items, start(start));
  }

  private Mapping mapping(CollectionStartEvent start, Iterator<Event> events, int depth)
      throws Unusable {
    checkTag(start.getTag(), start(start));
    List<Entry> entries = new ArrayList<>();
    for (Event event = events.next();
        event.getEventId() != Event.ID.MappingEnd;
        event = events.next()) {
      if (!(node(event, events, depth + 1).node() instanceof Scalar key)) {
        throw new Unusable(start(event), "a key is not a text", "put the key between quotes");
      }
      if (key.plain() && key.text().equals("<<")) {
        throw new Unusable(
            start(event), "merge keys (<<) are not supported", "write the merged keys out");
      }
      // The alias of a key would report the place of its anchor.
      Scalar placed = new Scalar(key.text(), key.plain(), start(event));
      entries.add(new Entry(placed, node(events.next(), events, depth + 1).node()));
    }
    return new Mapping(entries, start(start));
  }

  private static void checkTag(Optional<String> tag, Position at) throws Unusable {
    if (tag.isPresent() && !tag.get().equals("!") && !tag.get().startsWith(STANDARD_TAGS)) {
      throw new Unusable(
          at,
          "the tag " + oneLine(tag.get()) + " means nothing here",
          "put a text that begins with ! between quotes");
    }
  }

  private Place at(Position position) {
    return new Place(file, position, "");
  }

  private static Position start(Event event) {
    return event.getStartMark().map(YamlReader::position).orElse(Position.START);
  }

  private static Position position(Mark mark) {
    return new Position(mark.getLine() + 1, mark.getColumn() + 1);
  }

  /** Line and column of a code point index. */
  private static Position positionOf(String text, int index) {
    int line = 1;
    int column = 1;
    int at = 0;
    for (int i = 0; at < text.length() && i < index; i++) {
      int codePoint = text.codePointAt(at);
      at += Character.charCount(codePoint);
      if (codePoint == '\n') {
        line++;
        column = 1;
      } else {
        column++;
      }
    }
    return new Position(line, column);
  }

  private static String oneLine(String text) {
    return Problems.oneLine(text);
  }

  /** The parser's most usual complaints, with what people usually did. */
  private static String mend(String problem) {
    if (problem.contains("TAB")) {
      return "indent with spaces, not with tabs";
    }
    if (problem.contains("mapping values are not allowed")) {
      return "check the indentation, and put a text with ': ' in it between quotes";
    }
    if (problem.contains("cannot start any token")) {
      return "put the text between single quotes";
    }
    if (problem.contains("escape")) {
      return "put a text with backslashes between single quotes";
    }
    return "check indentation, quotes and brackets here and on the line before";
  }

  /** Ends reading at the first thing that leaves no sensible tree. */
  private static final class Unusable extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient Position position;
    private final String what;
    private final String mend;

    Unusable(Position position, String what, String mend) {
      this.position = position;
      this.what = what;
      this.mend = mend;
    }
  }
}
