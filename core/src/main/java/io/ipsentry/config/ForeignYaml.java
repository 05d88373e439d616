package io.ipsentry.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/**
 * A value of another program's YAML or JSON, with the line it stands in. Keys ignore case, as
 * Traefik's do. Immutable.
 */
public final class ForeignYaml {
  /** Largest file, in bytes. */
  private static final int MAX_BYTES = 16 << 20;

  private final String file;
  private final Node node;

  private ForeignYaml(String file, Node node) {
    this.file = file;
    this.node = node;
  }

  /** It is too large, or neither YAML nor JSON. */
  public static final class UnreadableException extends RuntimeException {
    UnreadableException(String message) {
      super(message);
    }
  }

  /**
   * Reads all documents of a file.
   *
   * @throws IOException when it cannot be read
   * @throws UnreadableException when it is no YAML
   */
  public static List<ForeignYaml> read(Path file) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new UnreadableException(file + " is larger than 16 MiB");
    }
    return parse(file.toString(), Files.readString(file));
  }

  /**
   * Reads all documents of a text.
   *
   * @param file what notes call it
   * @throws UnreadableException when it is no YAML
   */
  public static List<ForeignYaml> parse(String file, String text) {
    LoadSettings settings =
        LoadSettings.builder().setUseMarks(true).setCodePointLimit(MAX_BYTES).build();
    List<ForeignYaml> documents = new ArrayList<>();
    try {
      for (Node node : new Compose(settings).composeAllFromString(text)) {
        documents.add(new ForeignYaml(file, node));
      }
    } catch (YamlEngineException e) {
      String first = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      throw new UnreadableException(file + " is neither YAML nor JSON: " + first);
    }
    return documents;
  }

  /** What notes call the file. */
  public String file() {
    return file;
  }

  private int line() {
    return node.getStartMark().map(Mark::getLine).orElse(0) + 1;
  }

  /** The place, for notes. */
  public String place() {
    return file + ":" + line();
  }

  /** Whether it has members. */
  public boolean isMapping() {
    return node instanceof MappingNode;
  }

  /** Members of a mapping in their order; none of anything else. */
  public Map<String, ForeignYaml> members() {
    Map<String, ForeignYaml> members = new LinkedHashMap<>();
    if (node instanceof MappingNode mapping) {
      for (NodeTuple tuple : mapping.getValue()) {
        if (tuple.getKeyNode() instanceof ScalarNode key) {
          members.put(key.getValue(), new ForeignYaml(file, tuple.getValueNode()));
        }
      }
    }
    return members;
  }

  /** What stands below these keys. */
  public Optional<ForeignYaml> get(String... path) {
    Optional<ForeignYaml> at = Optional.of(this);
    for (String key : path) {
      at = at.flatMap(value -> value.member(key));
    }
    return at;
  }

  private Optional<ForeignYaml> member(String key) {
    return members().entrySet().stream()
        .filter(member -> member.getKey().equalsIgnoreCase(key))
        .map(Map.Entry::getValue)
        .findFirst();
  }

  /** A single value as it is written; empty for lists, mappings and nothing. */
  public Optional<String> text() {
    return node instanceof ScalarNode scalar && !isNothing(scalar)
        ? Optional.of(scalar.getValue())
        : Optional.empty();
  }

  private static boolean isNothing(ScalarNode scalar) {
    String value = scalar.getValue();
    return scalar.isPlain() && (value.isEmpty() || value.equals("~") || value.equals("null"));
  }

  /** Items of a list; a single value stands for a list of itself. */
  public List<ForeignYaml> items() {
    if (node instanceof SequenceNode sequence) {
      return sequence.getValue().stream().map(item -> new ForeignYaml(file, item)).toList();
    }
    return text().isPresent() ? List.of(this) : List.of();
  }
}
