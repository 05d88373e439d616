package io.ipsentry.fail2ban;

import io.ipsentry.net.PrefixSet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The options of one filter for one jail. From the weakest to the strongest: its {@code
 * [Definition]}, its {@code [Init]}, the options in brackets, options of the same name in the jail.
 */
final class FilterReader {
  static final String DEFINITION = "Definition";
  private static final String INIT = "Init";

  /** Options that are handed to the engine, and that a jail may set too. */
  static final List<String> OF_ENGINE =
      List.of(
          "usedns",
          "prefregex",
          "ignoreregex",
          "failregex",
          "maxlines",
          "datepattern",
          "journalmatch");

  private final String name;
  private final ConfigSections sections;
  private final Map<String, String> init;

  /**
   * @param systemd whether the jail reads the journal, which decides on {@code logtype}
   * @throws Fail2banException when there is no such filter
   */
  FilterReader(ConfigTree tree, FilterReference reference, boolean systemd) {
    name = reference.name();
    sections =
        tree.sections("filter.d/" + name)
            .orElseThrow(() -> new Fail2banException("there is no filter " + name));
    init = new HashMap<>(reference.options());
    if (init.getOrDefault("logtype", "").isEmpty() && !sections.has(DEFINITION, "logtype")) {
      init.put("logtype", systemd ? "journal" : "file");
    }
  }

  /**
   * All options with everything filled in.
   *
   * @param jail options of the jail, which hide those of the same name here
   * @param all those too that only other options use
   */
  Map<String, String> options(Map<String, String> jail, boolean all) {
    Map<String, String> variables = new HashMap<>(jail);
    variables.putAll(init);
    Map<String, String> options = new LinkedHashMap<>();
    for (String option : OF_ENGINE) {
      if (!variables.containsKey(option)) {
        sections.get(DEFINITION, option, variables).ifPresent(value -> options.put(option, value));
      }
    }
    Map<String, String> combined = new LinkedHashMap<>(init);
    for (String option : sections.options(INIT, false)) {
      String value = sections.get(INIT, option, Map.of()).orElse("");
      combined.put("known/" + option, value);
      combined.putIfAbsent(option, value);
    }
    if (all) {
      for (String option : sections.options(DEFINITION, true)) {
        if (!options.containsKey(option)) {
          sections
              .get(DEFINITION, option, variables)
              .ifPresent(value -> options.put(option, value));
        }
      }
    }
    options.putAll(combined);
    TagSubstitution tags = new TagSubstitution(tag -> value(tag, options, variables));
    Map<String, String> replaced = new LinkedHashMap<>();
    options.forEach((option, value) ->
        replaced.put(option, isConditional(option) ? value : tags.replace(option, value)));
    return replaced;
  }

  private @Nullable String value(
      String tag, Map<String, String> options, Map<String, String> variables) {
    if (tag.indexOf('?') >= 0) {
      return null;
    }
    String value = options.get(tag);
    return value != null ? value : sections.getAnywhere(DEFINITION, tag, variables).orElse(null);
  }

  private static boolean isConditional(String option) {
    return option.indexOf('?') > 0;
  }

  /** What the options say. */
  static Filter filter(Map<String, String> options) {
    return new Filter(
        lines(options.getOrDefault("failregex", "")),
        lines(options.getOrDefault("ignoreregex", "")),
        Optional.ofNullable(options.get("prefregex")).filter(value -> !value.isBlank()),
        maxlines(options.getOrDefault("maxlines", "1")),
        datepatterns(options.getOrDefault("datepattern", "")),
        !options.getOrDefault("usedns", "warn").equalsIgnoreCase("no"),
        PrefixSet.empty());
  }

  private static int maxlines(String text) {
    if (!text.strip().matches("[0-9]{1,6}")) {
      throw new Fail2banException("maxlines is '" + text + "', which is no number");
    }
    return Integer.parseInt(text.strip());
  }

  /** The lines of a value that are not empty. */
  static List<String> lines(String value) {
    List<String> lines = new ArrayList<>();
    for (String line : value.split("\n")) {
      if (!line.isEmpty()) {
        lines.add(line);
      }
    }
    return lines;
  }

  private static List<String> datepatterns(String value) {
    return lines(value).stream().map(String::strip).filter(line -> !line.isEmpty()).toList();
  }
}
