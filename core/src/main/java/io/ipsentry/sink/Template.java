package io.ipsentry.sink;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A text with places for values, each a name of {@code a-z _} between braces: {@code {ip} banned by
 * {rule}}. Braces around anything else stand for themselves, so that JSON can be written as it is.
 * A value that is not there is empty. Immutable.
 */
public final class Template {
  /** Longest text, in characters. */
  public static final int MAX_CHARS = 16_384;

  private static final Pattern PLACE = Pattern.compile("\\{([a-z_]+)\\}");

  private final String text;
  private final List<String> literals = new ArrayList<>();
  private final List<String> names = new ArrayList<>();

  private Template(String text) {
    this.text = text;
    Matcher place = PLACE.matcher(text);
    int end = 0;
    while (place.find()) {
      literals.add(text.substring(end, place.start()));
      names.add(place.group(1));
      end = place.end();
    }
    literals.add(text.substring(end));
  }

  /**
   * A template.
   *
   * @throws IllegalArgumentException if it is longer than {@value #MAX_CHARS} characters
   */
  public static Template of(String text) {
    if (text.length() > MAX_CHARS) {
      throw new IllegalArgumentException("a template has at most " + MAX_CHARS + " characters");
    }
    return new Template(text);
  }

  /** Names that it has places for and that are not among those known; in order. */
  public Set<String> unknown(Set<String> known) {
    Set<String> unknown = new TreeSet<>(names);
    unknown.removeAll(known);
    return unknown;
  }

  /** Whether there is a place for a value. */
  public boolean names(String name) {
    return names.contains(name);
  }

  /** The text with the values, each escaped. */
  public String render(Map<String, String> values, Escape escape) {
    StringBuilder out = new StringBuilder(text.length() + 64);
    for (int i = 0; i < names.size(); i++) {
      out.append(literals.get(i));
      out.append(escape.apply(values.getOrDefault(names.get(i), "")));
    }
    return out.append(literals.getLast()).toString();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Template template && template.text.equals(text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return text;
  }
}
