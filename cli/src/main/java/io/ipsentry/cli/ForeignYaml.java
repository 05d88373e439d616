package io.ipsentry.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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
 * Traefik's do.
 *
 * @param file what notes call the file
 */
record ForeignYaml(String file, Node node) {
  private static final int MAX_BYTES = 16 << 20;

  /**
   * Reads all documents of a file.
   *
   * @throws CommandException when it is not there, or no YAML
   */
  static List<ForeignYaml> read(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw CommandException.failed(file + " is larger than 16 MiB");
      }
      return parse(file.toString(), Files.readString(file));
    } catch (NoSuchFileException e) {
      throw CommandException.failed("there is no file " + file, e);
    } catch (IOException e) {
      throw CommandException.failed(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  static List<ForeignYaml> parse(String file, String text) {
    LoadSettings settings =
        LoadSettings.builder().setUseMarks(true).setCodePointLimit(MAX_BYTES).build();
    List<ForeignYaml> documents = new ArrayList<>();
    try {
      for (Node node : new Compose(settings).composeAllFromString(text)) {
        documents.add(new ForeignYaml(file, node));
      }
    } catch (YamlEngineException e) {
      String first = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      throw CommandException.no(file + " is neither YAML nor JSON: " + first);
    }
    return documents;
  }

  /** Line from 1. */
  int line() {
    return node.getStartMark().map(Mark::getLine).orElse(0) + 1;
  }

  /** The place, for notes. */
  String place() {
    return file + ":" + line();
  }

  boolean isMapping() {
    return node instanceof MappingNode;
  }

  /** Members of a mapping in their order; none of anything else. */
  Map<String, ForeignYaml> members() {
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
  Optional<ForeignYaml> get(String... path) {
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
  Optional<String> text() {
    return node instanceof ScalarNode scalar && !isNothing(scalar)
        ? Optional.of(scalar.getValue())
        : Optional.empty();
  }

  private static boolean isNothing(ScalarNode scalar) {
    String value = scalar.getValue();
    return scalar.isPlain() && (value.isEmpty() || value.equals("~") || value.equals("null"));
  }

  /** Items of a list; a single value stands for a list of itself. */
  List<ForeignYaml> items() {
    if (node instanceof SequenceNode sequence) {
      return sequence.getValue().stream().map(item -> new ForeignYaml(file, item)).toList();
    }
    return text().isPresent() ? List.of(this) : List.of();
  }
}
