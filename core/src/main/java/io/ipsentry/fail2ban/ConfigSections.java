package io.ipsentry.fail2ban;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Sections of several files, the later ones over the earlier ones, with what {@code %(…)s} stands
 * for filled in.
 *
 * <p>A section {@code [name?condition]} belongs to {@code [name]} with the condition behind each
 * option. Where a file overrides an option, the value before stays reachable as {@code
 * known/option}. Confined to one thread.
 */
final class ConfigSections {
  static final String DEFAULT = "DEFAULT";

  /** Longest value, in characters, with everything filled in. */
  static final int MAX_VALUE = 1 << 20;

  /** How deep {@code %(…)s} may lead to further ones, as in Python. */
  private static final int MAX_DEPTH = 10;

  private static final Pattern CONDITIONAL = Pattern.compile("(\\w+)(\\?.+)");

  private final Map<String, Map<String, IniOption>> sections = new LinkedHashMap<>();
  private final Map<String, Map<String, IniOption>> known = new LinkedHashMap<>();
  private final Map<String, IniOption> defaults = new LinkedHashMap<>();

  /** Adds the sections of one more file. */
  void merge(Map<String, Map<String, IniOption>> file) {
    file.forEach((name, options) -> {
      if (name.equals(DEFAULT)) {
        defaults.putAll(options);
        return;
      }
      Matcher conditional = CONDITIONAL.matcher(name);
      String base = name;
      Map<String, IniOption> added = options;
      if (conditional.matches()) {
        base = conditional.group(1);
        String condition = conditional.group(2);
        Map<String, IniOption> renamed = new LinkedHashMap<>();
        options.forEach((option, value) -> renamed.put(option + condition, value));
        added = renamed;
      }
      Map<String, IniOption> before = sections.get(base);
      if (before == null) {
        sections.put(base, new LinkedHashMap<>(added));
        return;
      }
      Map<String, IniOption> overridden = known.computeIfAbsent(base, _ -> new LinkedHashMap<>());
      for (String option : added.keySet()) {
        IniOption old = before.get(option);
        if (old != null) {
          overridden.put(option, old);
        }
      }
      before.putAll(added);
    });
  }

  /** Sets an option for all sections that do not have it. */
  void setDefault(String option, String value) {
    defaults.put(option, new IniOption(value, Path.of("fail2ban"), 0));
  }

  /** Names of the sections, in their order. */
  Set<String> names() {
    return sections.keySet();
  }

  /** Names of a section's options. */
  Set<String> options(String section, boolean withDefaults) {
    Set<String> names = new LinkedHashSet<>();
    if (withDefaults) {
      names.addAll(defaults.keySet());
    }
    names.addAll(sections.getOrDefault(section, Map.of()).keySet());
    return names;
  }

  /** Whether a section has an option itself. */
  boolean has(String section, String option) {
    return sections.getOrDefault(section, Map.of()).containsKey(option);
  }

  /** An option as written, of the section or of all. */
  Optional<IniOption> raw(String section, String option) {
    IniOption own = sections.getOrDefault(section, Map.of()).get(option);
    return Optional.ofNullable(own != null ? own : defaults.get(option));
  }

  /**
   * The value of an option; empty when there is none.
   *
   * @param variables stronger than what is written; their values are taken as they are
   * @throws Fail2banException when something that it names is not there
   */
  Optional<String> get(String section, String option, Map<String, String> variables) {
    String name = option.toLowerCase(Locale.ROOT);
    String given = variables.get(name);
    if (given != null) {
      return Optional.of(given);
    }
    return raw(section, name)
        .map(written -> new Filling(section, variables, written).fill(written.value(), 1));
  }

  /**
   * The value of {@code section/option}, {@code known/option} or an option of the section; empty
   * when there is none.
   */
  Optional<String> getAnywhere(String section, String option, Map<String, String> variables) {
    int slash = option.indexOf('/');
    if (slash > 0 && !option.substring(0, slash).matches(".*[^\\w-].*")) {
      String of = option.substring(0, slash);
      String name = option.substring(slash + 1).toLowerCase(Locale.ROOT);
      IniOption other = other(section, of, name);
      if (other != null) {
        String home = of.equalsIgnoreCase("known") ? section : of;
        return Optional.of(new Filling(home, variables, other).fill(other.value(), 1));
      }
    }
    return get(section, option, variables);
  }

  /** What {@code of/name} means in a section. */
  private @Nullable IniOption other(String section, String of, String name) {
    if (of.equalsIgnoreCase("known")) {
      IniOption before = known.getOrDefault(section, Map.of()).get(name);
      return before != null ? before : raw(section, name).orElse(null);
    }
    return of.equalsIgnoreCase(DEFAULT)
        ? defaults.get(name)
        : sections.getOrDefault(of, Map.of()).get(name);
  }

  /** Fills in one value. */
  private final class Filling {
    private final String section;
    private final Map<String, String> variables;
    private final IniOption written;

    Filling(String section, Map<String, String> variables, IniOption written) {
      this.section = section;
      this.variables = variables;
      this.written = written;
    }

    String fill(String value, int depth) {
      if (value.indexOf('%') < 0) {
        return value;
      }
      if (depth > MAX_DEPTH) {
        throw wrong("%(…)s leads to itself, or more than " + MAX_DEPTH + " deep");
      }
      StringBuilder filled = new StringBuilder();
      int at = 0;
      while (at < value.length()) {
        char c = value.charAt(at);
        if (c != '%') {
          filled.append(c);
          at++;
        } else if (value.startsWith("%%", at)) {
          filled.append('%');
          at += 2;
        } else {
          int end = value.indexOf(")s", at);
          if (!value.startsWith("%(", at) || end < 0) {
            throw wrong("a % stands alone; write %% for the character");
          }
          filled.append(named(value.substring(at + 2, end), depth));
          at = end + 2;
        }
        if (filled.length() > MAX_VALUE) {
          throw wrong("is longer than " + MAX_VALUE + " characters with all that it names");
        }
      }
      return filled.toString();
    }

    private String named(String name, int depth) {
      String lower = name.toLowerCase(Locale.ROOT);
      String given = variables.get(lower);
      if (given != null) {
        return given;
      }
      if (lower.equals("__name__")) {
        return section;
      }
      IniOption option = raw(section, lower).orElse(null);
      int slash = name.indexOf('/');
      if (option == null && slash > 0) {
        String rest = lower.substring(slash + 1);
        option = beforeOf(name.substring(0, slash), rest);
      }
      if (option == null) {
        throw wrong("names %(" + name + ")s, which is not there");
      }
      return fill(option.value(), depth + 1);
    }

    /** As {@link #other}, but what is not there is looked for among the defaults. */
    private @Nullable IniOption beforeOf(String of, String name) {
      IniOption found =
          of.equalsIgnoreCase("known")
              ? known.getOrDefault(section, Map.of()).get(name)
              : other(section, of, name);
      return found != null ? found : defaults.get(name);
    }

    private Fail2banException wrong(String what) {
      return Fail2banException.at(written.file(), written.line(), what);
    }
  }
}
