package io.ipsentry.fail2ban;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Replaces {@code <name>} in the options of a filter by what the name stands for, the innermost
 * first, again and again until nothing changes. Names that stand for nothing stay: they are tags of
 * expressions, such as {@code <HOST>}.
 */
final class TagSubstitution {
  /** How often one tag may be replaced in one value. */
  private static final int MAX_REPLACEMENTS = 25;

  private static final Pattern TAG = Pattern.compile("<([^ <>]+)>");

  private final Function<String, @Nullable String> values;

  /**
   * @param values what a name stands for; null: nothing
   */
  TagSubstitution(Function<String, @Nullable String> values) {
    this.values = values;
  }

  /**
   * Replaces the tags of a value.
   *
   * @param option whose value it is
   * @throws Fail2banException when a tag leads to itself
   */
  String replace(String option, String value) {
    Map<String, Integer> counts = new HashMap<>();
    String current = value;
    boolean changed = true;
    while (changed) {
      changed = false;
      Matcher tag = TAG.matcher(current);
      int at = 0;
      while (tag.find(at)) {
        String name = tag.group(1);
        String replacement = values.apply(name);
        if (replacement == null) {
          at = tag.end();
          continue;
        }
        int count = counts.merge(name, 1, Integer::sum);
        if (name.equals(option) || count > MAX_REPLACEMENTS) {
          throw new Fail2banException("the tag <" + name + "> of " + option + " leads to itself");
        }
        at = tag.start();
        current = current.replace("<" + name + ">", replacement);
        if (current.length() > ConfigSections.MAX_VALUE) {
          throw new Fail2banException(option + " is too long with what its tags stand for");
        }
        changed = true;
        tag = TAG.matcher(current);
      }
    }
    return current;
  }
}
