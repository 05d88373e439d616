package io.ipsentry.pattern;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Regular expressions compiled into one automaton that finds, in one pass over the bytes, all of
 * them that match somewhere.
 *
 * <p>A pattern's number is its place in the list. Patterns with look-around, back-references,
 * conditionals or atomic groups take part in widened form; where that matches, the pattern itself
 * is tried by backtracking with a budget of steps ({@link PatternMatcher#STEP_BUDGET}). Immutable,
 * safe for any thread; the {@link PatternMatcher}s it makes are not.
 */
public final class PatternSet {
  private final List<PatternSource> sources;
  final Program automaton;
  final int[] byteClasses;
  final int classCount;
  final Restarts restarts;

  /** For each pattern that the automaton decides alone null, else the pattern itself. */
  final ExactPattern[] exact;

  private PatternSet(List<PatternSource> sources, Program automaton, ExactPattern[] exact) {
    this.sources = sources;
    this.automaton = automaton;
    this.byteClasses = automaton.byteClasses();
    int classes = 0;
    for (int number : byteClasses) {
      classes = Math.max(classes, number + 1);
    }
    this.classCount = classes;
    this.restarts = new Restarts(automaton, byteClasses, classes);
    this.exact = exact;
  }

  /**
   * Compiles patterns; an empty list gives a set that matches nothing.
   *
   * @throws InvalidPatternException for the first that is wrong, too large, or asks for a
   *     look-behind without a bound
   */
  public static PatternSet compile(List<PatternSource> sources) {
    List<PatternSource> copy = List.copyOf(sources);
    List<Regex> regexes = new ArrayList<>();
    ExactPattern[] exact = new ExactPattern[copy.size()];
    for (PatternSource source : copy) {
      Regex regex = RegexParser.parse(source);
      if (!regex.root().isRegular()) {
        exact[regexes.size()] = new ExactPattern(regex);
      }
      regexes.add(regex);
    }
    return new PatternSet(copy, ProgramCompiler.automaton(regexes), exact);
  }

  /** A matcher with a cache of its own, for one thread. */
  public PatternMatcher matcher() {
    return new PatternMatcher(this, PatternMatcher.CACHE_BYTES);
  }

  /** Number of patterns. */
  public int size() {
    return sources.size();
  }

  /** The pattern with a number, as it was given. */
  public PatternSource source(int number) {
    return sources.get(number);
  }

  /** Numbers of the patterns that need backtracking behind the automaton. */
  public BitSet backtracking() {
    BitSet numbers = new BitSet();
    for (int i = 0; i < exact.length; i++) {
      numbers.set(i, exact[i] != null);
    }
    return numbers;
  }
}
