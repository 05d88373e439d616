package io.ipsentry.pattern;

import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One regular expression whose groups are wanted, such as the {@code regex} line format.
 *
 * <p>Groups have numbers from 1 (0 is the whole match); some have names. Runs in linear time unless
 * the expression has look-around, back-references, conditionals or atomic groups, which have a
 * budget of steps ({@link PatternMatcher#STEP_BUDGET}). Immutable, safe for any thread; the {@link
 * CaptureMatcher}s it makes are not.
 */
public final class CapturingPattern {
  private final Regex regex;
  private final ExactPattern exact;

  private CapturingPattern(Regex regex) {
    this.regex = regex;
    this.exact = new ExactPattern(regex);
  }

  /**
   * Compiles an expression.
   *
   * @throws InvalidPatternException if it is wrong, too large, or asks for a look-behind without
   *     bound
   */
  public static CapturingPattern compile(PatternSource source) {
    return new CapturingPattern(RegexParser.parse(source));
  }

  /** A matcher for one thread. */
  public CaptureMatcher matcher() {
    return new CaptureMatcher(new Backtracker(exact, PatternMatcher.STEP_BUDGET), groupCount());
  }

  /** The expression as it was given. */
  public PatternSource source() {
    return regex.source();
  }

  /** Number of groups, group 0 not counted. */
  public int groupCount() {
    return regex.groups();
  }

  /** Numbers of the named groups, in the order of the expression. */
  public Map<String, Integer> groupNames() {
    return regex.names();
  }

  /** Number of the group with a name, or null. */
  public @Nullable Integer group(String name) {
    return regex.names().get(name);
  }

  /**
   * What the expression has that an automaton cannot express, so that it runs with a budget of
   * steps: {@code look-ahead}, {@code look-behind}, {@code back-reference}, {@code conditional} or
   * {@code atomic group}; empty: nothing, and it takes linear time.
   */
  public Optional<String> beyondAutomaton() {
    return Optional.ofNullable(regex.root().beyondAutomaton());
  }
}
