package io.ipsentry.config;

import io.ipsentry.config.YamlNode.Mapping;
import io.ipsentry.config.YamlNode.Scalar;
import io.ipsentry.config.YamlNode.Sequence;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A value of the document with its place: reads itself as the type that is wanted, or reports why
 * it cannot and is empty.
 */
record Value(Place place, YamlNode node, Problems problems) {
  void error(String what, String mend) {
    problems.error(place, what, mend);
  }

  void warn(String what, String mend) {
    problems.warn(place, what, mend);
  }

  boolean isNothing() {
    return node instanceof Scalar scalar && scalar.isNothing();
  }

  boolean isMapping() {
    return node instanceof Mapping;
  }

  /** A single value as it is written; numbers and truth values too. */
  Optional<String> text() {
    if (!(node instanceof Scalar scalar)) {
      error("is " + kind() + ", not a single value", "write one value");
      return Optional.empty();
    }
    if (scalar.text().isEmpty()) {
      error("is empty", "give it a value or remove it");
      return Optional.empty();
    }
    return Optional.of(scalar.text());
  }

  OptionalInt integer(int min, int max) {
    Optional<String> text = text();
    if (text.isEmpty()) {
      return OptionalInt.empty();
    }
    String range = "write a whole number from " + min + " to " + max;
    if (!text.get().matches("-?[0-9]{1,18}")) {
      error(Problems.quoted(text.get()) + " is not a whole number", range);
      return OptionalInt.empty();
    }
    long number = Long.parseLong(text.get());
    if (number < min || number > max) {
      error(number + " is out of range", range);
      return OptionalInt.empty();
    }
    return OptionalInt.of((int) number);
  }

  /** A number above 0. */
  Optional<Double> positiveNumber() {
    Optional<String> text = text();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    boolean decimal = text.get().matches("[0-9]{1,9}(\\.[0-9]{1,9})?");
    double number = decimal ? Double.parseDouble(text.get()) : 0;
    if (number <= 0) {
      error(
          Problems.quoted(text.get()) + " is not a number above 0",
          "write one number, such as 2 or 1.5; several as a list: [1, 5, 30]");
      return Optional.empty();
    }
    return Optional.of(number);
  }

  Optional<Boolean> truth() {
    Optional<String> text = text();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    Optional<Boolean> truth =
        switch (text.get()) {
          case "true" -> Optional.of(true);
          case "false" -> Optional.of(false);
          default -> Optional.empty();
        };
    if (truth.isEmpty()) {
      error(Problems.quoted(text.get()) + " is not a truth value", "write true or false");
    }
    return truth;
  }

  /** A duration of at least {@code min} and at most {@code max}. */
  Optional<Duration> duration(Duration min, Duration max) {
    Optional<String> text = text();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    Optional<Duration> duration = Durations.parse(text.get());
    if (duration.isEmpty()) {
      error(Problems.quoted(text.get()) + " is not a duration", Durations.FORM);
      return Optional.empty();
    }
    if (duration.get().compareTo(min) < 0 || duration.get().compareTo(max) > 0) {
      error(
          text.get() + " is out of range",
          "write " + Durations.format(min) + " to " + Durations.format(max));
      return Optional.empty();
    }
    return duration;
  }

  /** One of a few words. */
  <E> Optional<E> choice(Map<String, E> words) {
    Optional<String> text = text();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    E chosen = words.get(text.get());
    if (chosen == null) {
      error(unknown(text.get()), suggestion(text.get(), words.keySet()));
    }
    return Optional.ofNullable(chosen);
  }

  static String unknown(String word) {
    return Problems.quoted(word) + " is not known";
  }

  static String suggestion(String word, Iterable<String> known) {
    List<String> sorted = new ArrayList<>();
    known.forEach(sorted::add);
    sorted.sort(null);
    return Nearest.of(word, sorted)
        .map(nearest -> "did you mean " + nearest + "?")
        .orElse(sorted.isEmpty() ? "there is none" : "known: " + String.join(", ", sorted));
  }

  /** The members of a list; a value that is no list stands for a list of itself. */
  List<Value> items() {
    if (isNothing()) {
      return List.of();
    }
    if (!(node instanceof Sequence sequence)) {
      return List.of(this);
    }
    List<Value> items = new ArrayList<>();
    for (int i = 0; i < sequence.items().size(); i++) {
      YamlNode item = sequence.items().get(i);
      Value value = new Value(place.item(i, item.at()), item, problems);
      if (value.isNothing()) {
        value.warn("is empty and is left out", "give it a value or remove it");
      } else {
        items.add(value);
      }
    }
    return items;
  }

  /** Every member of a list as a text. */
  List<String> texts() {
    return items().stream().map(Value::text).flatMap(Optional::stream).toList();
  }

  /**
   * The keys and values of a mapping; keys that are not known, or stand there twice, are reported.
   */
  Optional<Section> section(Keys keys) {
    if (!(node instanceof Mapping mapping)) {
      error("is " + kind() + ", not a mapping", "write keys: " + String.join(", ", keys.names()));
      return Optional.empty();
    }
    return Optional.of(Section.read(this, mapping, keys));
  }

  /**
   * The members of a mapping whose keys are names that the file chooses, in its order; a key may
   * stand there twice. What is no mapping is reported.
   *
   * @param wanted what to write instead, after "write "
   */
  List<Named> members(String wanted) {
    if (!(node instanceof Mapping mapping)) {
      error("is " + kind() + ", not a mapping", "write " + wanted);
      return List.of();
    }
    List<Named> members = new ArrayList<>();
    for (YamlNode.Entry entry : mapping.entries()) {
      String name = entry.key().text();
      Place at = place.key(Section.shortened(name), entry.key().at());
      members.add(new Named(name, new Value(at, entry.value(), problems)));
    }
    return members;
  }

  /** A member of a mapping with its key; the place is that of the key. */
  record Named(String name, Value value) {}

  /** The value of a key, for checks that follow the reading: nothing is reported. */
  Optional<Value> child(String key) {
    if (!(node instanceof Mapping mapping)) {
      return Optional.empty();
    }
    return mapping.entries().stream()
        .filter(entry -> entry.key().text().equals(key))
        .findFirst()
        .map(entry -> new Value(place.key(key, entry.value().at()), entry.value(), problems));
  }

  private String kind() {
    return switch (node) {
      case Scalar _ -> "a single value";
      case Sequence _ -> "a list";
      case Mapping _ -> "a mapping";
    };
  }
}
