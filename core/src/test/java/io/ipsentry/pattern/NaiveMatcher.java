package io.ipsentry.pattern;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The meaning of a tree, written down as directly as can be: each node is tried at a place and
 * hands over to what follows. Exponential, and gives up after a number of steps.
 */
final class NaiveMatcher {
  private static final int MAX_STEPS = 20_000;
  private static final int MAX_DEPTH = 800;

  private final byte[] text;
  private int steps;
  private int depth;

  private NaiveMatcher(byte[] text) {
    this.text = text;
  }

  /** What comes behind a node; groups hold start and end of each group and are never changed. */
  private interface Next {
    boolean at(int place, int[] groups);
  }

  private static final class GivenUpException extends RuntimeException {
    GivenUpException() {
      super("too many steps", null, false, false);
    }
  }

  /** Whether an expression matches somewhere; null if that takes too long to tell. */
  static @Nullable Boolean find(Regex regex, byte[] text) {
    NaiveMatcher matcher = new NaiveMatcher(text);
    int[] groups = new int[2 * regex.groups() + 2];
    java.util.Arrays.fill(groups, -1);
    try {
      for (int at = 0; at <= text.length; at++) {
        if (matcher.match(regex.root(), at, groups, (_, _) -> true)) {
          return true;
        }
      }
      return false;
    } catch (GivenUpException _) {
      return null;
    }
  }

  private boolean match(Node node, int at, int[] groups, Next next) {
    if (++steps > MAX_STEPS || ++depth > MAX_DEPTH) {
      throw new GivenUpException();
    }
    boolean found =
        switch (node) {
          case Node.Empty _ -> next.at(at, groups);
          case Node.Bytes(var set) ->
              at < text.length && set.contains(text[at] & 0xff) && next.at(at + 1, groups);
          case Node.Sequence(var parts) -> sequence(parts, at, groups, next);
          case Node.Choice(var options) ->
              options.stream().anyMatch(option -> match(option, at, groups, next));
          case Node.Repeat repeat -> repeat(repeat, 0, at, groups, next);
          case Node.Group(var body, var number) ->
              match(body, at, groups, (end, g) -> next.at(end, with(g, number, at, end)));
          case Node.Look look -> look(look, at, groups, next);
          case Node.Atomic(var body) -> {
            int[] end = {-1};
            int[][] after = {groups};
            boolean taken =
                match(
                    body,
                    at,
                    groups,
                    (place, g) -> {
                      end[0] = place;
                      after[0] = g;
                      return true;
                    });
            yield taken && next.at(end[0], after[0]);
          }
          case Node.BackReference(var group, var fold) -> {
            int start = groups[2 * group];
            int length = groups[2 * group + 1] - start;
            yield start >= 0 && same(start, at, length, fold) && next.at(at + length, groups);
          }
          case Node.Conditional(var group, var yes, var no) ->
              match(groups[2 * group + 1] >= 0 ? yes : no, at, groups, next);
          case Node.Assertion(var condition) -> holds(condition, at) && next.at(at, groups);
        };
    depth--;
    return found;
  }

  private boolean sequence(List<Node> parts, int at, int[] groups, Next next) {
    if (parts.isEmpty()) {
      return next.at(at, groups);
    }
    List<Node> rest = parts.subList(1, parts.size());
    return match(parts.getFirst(), at, groups, (end, g) -> sequence(rest, end, g, next));
  }

  private boolean repeat(Node.Repeat repeat, int done, int at, int[] groups, Next next) {
    Next again =
        (end, g) ->
            repeat.max() == Node.UNBOUNDED && done + 1 >= repeat.min() && end == at
                ? next.at(end, g)
                : repeat(repeat, done + 1, end, g, next);
    if (done < repeat.min()) {
      return match(repeat.body(), at, groups, again);
    }
    if (done == repeat.max()) {
      return next.at(at, groups);
    }
    return repeat.greed() == Node.Greed.GREEDY
        ? match(repeat.body(), at, groups, again) || next.at(at, groups)
        : next.at(at, groups) || match(repeat.body(), at, groups, again);
  }

  private boolean look(Node.Look look, int at, int[] groups, Next next) {
    int[][] after = {groups};
    boolean found = false;
    int first = look.behind() ? 0 : at;
    for (int start = at; start >= first && !found; start--) {
      found =
          match(
              look.body(),
              start,
              groups,
              (end, g) -> {
                after[0] = g;
                return !look.behind() || end == at;
              });
    }
    if (look.negated()) {
      return !found && next.at(at, groups);
    }
    return found && next.at(at, after[0]);
  }

  private static int[] with(int[] groups, int number, int start, int end) {
    int[] changed = groups.clone();
    changed[2 * number] = start;
    changed[2 * number + 1] = end;
    return changed;
  }

  private boolean same(int start, int at, int length, boolean fold) {
    if (at + length > text.length) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      int a = text[start + i];
      int b = text[at + i];
      boolean equal =
          a == b || fold && a < 128 && Character.toLowerCase(a) == Character.toLowerCase(b);
      if (!equal) {
        return false;
      }
    }
    return true;
  }

  private boolean holds(Node.Condition condition, int at) {
    int end = text.length;
    return switch (condition) {
      case TEXT_START -> at == 0;
      case LINE_START -> at == 0 || text[at - 1] == '\n';
      case TEXT_END -> at == end;
      case LAST_LINE_END -> at == end || at == end - 1 && text[at] == '\n';
      case LINE_END -> at == end || text[at] == '\n';
      case WORD_BOUNDARY -> isWord(at - 1) != isWord(at);
      case NO_WORD_BOUNDARY -> isWord(at - 1) == isWord(at);
    };
  }

  private boolean isWord(int at) {
    return at >= 0
        && at < text.length
        && (Character.isLetterOrDigit(text[at]) && text[at] > 0 || text[at] == '_');
  }
}
