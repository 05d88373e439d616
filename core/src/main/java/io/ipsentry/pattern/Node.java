package io.ipsentry.pattern;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The tree of a regular expression over bytes; case, flags and UTF-8 are already resolved. */
sealed interface Node {
  /** No upper bound of a repetition, or of a length. */
  int UNBOUNDED = Integer.MAX_VALUE;

  /** Matches without taking a byte. */
  record Empty() implements Node {}

  /** One byte of a set. */
  record Bytes(ByteSet set) implements Node {}

  /** One after the other. */
  record Sequence(List<Node> parts) implements Node {}

  /** One of several, earlier ones preferred. */
  record Choice(List<Node> options) implements Node {}

  /** How a repetition chooses between one more and going on. */
  enum Greed {
    GREEDY,
    LAZY
  }

  /** {@code min} to {@code max} times, {@code max} possibly {@link #UNBOUNDED}. */
  record Repeat(Node body, int min, int max, Greed greed) implements Node {}

  /** A capturing group, numbered from 1. */
  record Group(Node body, int number) implements Node {}

  /** Look-ahead or look-behind. */
  record Look(Node body, boolean behind, boolean negated, int position) implements Node {}

  /** Takes its first match and never gives back. */
  record Atomic(Node body) implements Node {}

  /** What a group took, again; fails while the group has taken nothing. */
  record BackReference(int group, boolean ignoreCase) implements Node {}

  /** One of two, by whether a group took part. */
  record Conditional(int group, Node yes, Node no) implements Node {}

  /** A condition on the place between two bytes. */
  record Assertion(Condition condition) implements Node {}

  /** What a place between two bytes can be asked. */
  enum Condition {
    /** {@code ^} without {@code m}, {@code \A}. */
    TEXT_START,
    /** {@code ^} with {@code m}: also behind every line feed. */
    LINE_START,
    /** {@code \z}, {@code \Z}. */
    TEXT_END,
    /** {@code $} without {@code m}: the end, or before a final line feed. */
    LAST_LINE_END,
    /** {@code $} with {@code m}: also before every line feed. */
    LINE_END,
    /** {@code \b}. */
    WORD_BOUNDARY,
    /** {@code \B}. */
    NO_WORD_BOUNDARY;

    /** Whether the answer depends on the bytes before the place only. */
    boolean looksBackOnly() {
      return this == TEXT_START || this == LINE_START;
    }
  }

  /** Whether a finite automaton can express the tree. */
  default boolean isRegular() {
    return beyondAutomaton() == null;
  }

  /** The first construct that a finite automaton cannot express, as people call it; or null. */
  default @Nullable String beyondAutomaton() {
    return switch (this) {
      case Empty _, Bytes _, Assertion _ -> null;
      case Sequence(var parts) -> beyondAutomaton(parts);
      case Choice(var options) -> beyondAutomaton(options);
      case Repeat repeat -> repeat.body().beyondAutomaton();
      case Group(var body, _) -> body.beyondAutomaton();
      case Look look -> look.behind() ? "look-behind" : "look-ahead";
      case Atomic _ -> "atomic group";
      case BackReference _ -> "back-reference";
      case Conditional _ -> "conditional";
    };
  }

  private static @Nullable String beyondAutomaton(List<Node> nodes) {
    return nodes.stream()
        .map(Node::beyondAutomaton)
        .filter(Objects::nonNull)
        .findFirst()
        .orElse(null);
  }

  /** Whether what happens at a place can depend on what groups took before. */
  default boolean remembers() {
    return switch (this) {
      case Empty _, Bytes _, Assertion _ -> false;
      case Sequence(var parts) -> parts.stream().anyMatch(Node::remembers);
      case Choice(var options) -> options.stream().anyMatch(Node::remembers);
      case Repeat repeat -> repeat.body().remembers();
      case Group(var body, _) -> body.remembers();
      case Look look -> look.body().remembers();
      case Atomic(var body) -> body.remembers();
      case BackReference _, Conditional _ -> true;
    };
  }

  /** Fewest bytes a match takes. */
  default int minLength() {
    return switch (this) {
      case Empty _, Assertion _, Look _, BackReference _ -> 0;
      case Bytes _ -> 1;
      case Sequence(var parts) -> {
        long sum = 0;
        for (Node part : parts) {
          sum += part.minLength();
        }
        yield clamp(sum);
      }
      case Choice(var options) -> options.stream().mapToInt(Node::minLength).min().orElse(0);
      case Repeat repeat -> clamp((long) repeat.body().minLength() * repeat.min());
      case Group(var body, _) -> body.minLength();
      case Atomic(var body) -> body.minLength();
      case Conditional(_, var yes, var no) -> Math.min(yes.minLength(), no.minLength());
    };
  }

  /** Most bytes a match takes, or {@link #UNBOUNDED}. */
  default int maxLength() {
    return switch (this) {
      case Empty _, Assertion _, Look _ -> 0;
      case Bytes _ -> 1;
      case Sequence(var parts) -> {
        long sum = 0;
        for (Node part : parts) {
          sum += part.maxLength();
        }
        yield clamp(sum);
      }
      case Choice(var options) -> options.stream().mapToInt(Node::maxLength).max().orElse(0);
      case Repeat repeat -> clamp((long) repeat.body().maxLength() * repeat.max());
      case Group(var body, _) -> body.maxLength();
      case Atomic(var body) -> body.maxLength();
      case BackReference _ -> UNBOUNDED;
      case Conditional(_, var yes, var no) -> Math.max(yes.maxLength(), no.maxLength());
    };
  }

  private static int clamp(long length) {
    return (int) Math.min(length, UNBOUNDED);
  }
}
