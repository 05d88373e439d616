package io.ipsentry.config;

import io.ipsentry.config.YamlNode.Entry;
import io.ipsentry.config.YamlNode.Mapping;
import io.ipsentry.config.YamlNode.Position;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A mapping of the document, whose keys are known; values by key. */
final class Section {
  private final Value whole;
  private final Keys keys;
  private final Map<String, Value> values = new HashMap<>();
  private final Set<String> misspelt = new HashSet<>();

  private Section(Value whole, Keys keys) {
    this.whole = whole;
    this.keys = keys;
  }

  static Section read(Value whole, Mapping mapping, Keys keys) {
    Section section = new Section(whole, keys);
    Map<String, Position> seen = new HashMap<>();
    for (Entry entry : mapping.entries()) {
      String key = entry.key().text();
      Place atKey = whole.place().key(shortened(key), entry.key().at());
      Position first = seen.putIfAbsent(key, entry.key().at());
      if (first != null) {
        whole
            .problems()
            .error(
                atKey,
                "is there twice, first in line " + first.line(),
                "remove one, or join the two");
      } else if (!keys.names().contains(key)) {
        whole.problems().error(atKey, "is not a known key", keys.mend(key));
        keys.meant(key).ifPresent(section.misspelt::add);
      } else {
        section.put(key, atKey, entry.value());
      }
    }
    return section;
  }

  private void put(String key, Place atKey, YamlNode node) {
    Value value = new Value(whole.place().key(key, node.at()), node, whole.problems());
    if (value.isNothing()) {
      whole
          .problems()
          .warn(atKey, "has no value and is taken as not written", "give it one or remove it");
    } else {
      values.put(key, value);
    }
  }

  static String shortened(String key) {
    return key.length() <= Problems.MAX_TEXT ? key : key.substring(0, Problems.MAX_TEXT) + "…";
  }

  /** The value of a key; empty when it is not written. */
  Optional<Value> get(String key) {
    if (!keys.names().contains(key)) {
      throw new IllegalArgumentException("no key of " + keys + ": " + key);
    }
    return Optional.ofNullable(values.get(key));
  }

  boolean has(String key) {
    return get(key).isPresent();
  }

  /** Whether a key was meant, but written in a way that is already reported. */
  boolean isMisspelt(String key) {
    return misspelt.contains(key);
  }

  /** The value of a key that must be there; when it is not, that is an error. */
  Optional<Value> require(String key, String mend) {
    Optional<Value> value = get(key);
    if (value.isEmpty() && !isMisspelt(key)) {
      whole.problems().error(whole.place(), key + " is missing", mend);
    }
    return value;
  }

  /** The mapping itself, for complaints that concern more than one key. */
  Value whole() {
    return whole;
  }
}
