package io.ipsentry.pattern;

import io.ipsentry.pattern.Node.Condition;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;

/**
 * Where the patterns of a set can begin to match behind the start of the input.
 *
 * <p>These instructions take part at every place, so states of the automaton need not hold them:
 * thousands of patterns that are not anchored would make every state large. They are kept by the
 * column of the next byte, for places behind a line feed and for others. Immutable.
 */
final class Restarts {
  /** Entries in the lists by column; with more, all columns share one list. */
  private static final int MAX_ENTRIES = 1 << 20;

  private static final int[] NONE = {};

  /** Numbers of the patterns that can begin there. */
  final int[] patterns;

  /** Whether the place behind a line feed differs from others. */
  final boolean lineFeedMatters;

  private final Places behindLineFeed;
  private final Places elsewhere;

  /** The instructions at one kind of place: those that take a byte, by column; conditions; all. */
  private record Places(List<int[]> takers, List<int[]> conditions, BitSet all) {}

  Restarts(Program program, int[] byteClasses, int classCount) {
    BitSet begin = new BitSet();
    this.elsewhere = places(program, byteClasses, classCount, false, begin);
    this.behindLineFeed = places(program, byteClasses, classCount, true, begin);
    this.lineFeedMatters = !elsewhere.all.equals(behindLineFeed.all);
    this.patterns = begin.stream().toArray();
  }

  /** Instructions that may take a byte of a class. */
  int[] takers(boolean afterLineFeed, int byteClass) {
    return (afterLineFeed ? behindLineFeed : elsewhere).takers.get(byteClass);
  }

  /** Conditions that need the next byte. */
  int[] conditions(boolean afterLineFeed) {
    return (afterLineFeed ? behindLineFeed : elsewhere).conditions.getFirst();
  }

  boolean contains(boolean afterLineFeed, int pc) {
    return (afterLineFeed ? behindLineFeed : elsewhere).all.get(pc);
  }

  /** Notes the patterns that can begin there, too. */
  private static Places places(
      Program program, int[] byteClasses, int classCount, boolean afterLineFeed, BitSet begin) {
    BitSet all = new BitSet(program.size());
    BitSet seen = new BitSet(program.size());
    for (int pattern = 0; pattern < program.starts.length; pattern++) {
      if (follow(program, program.starts[pattern], afterLineFeed, seen, all)) {
        begin.set(pattern);
      }
    }
    int[] conditions = all.stream().filter(pc -> program.op[pc] == Program.ASSERT).toArray();
    int[] takers = all.stream().filter(pc -> program.op[pc] == Program.SET).toArray();
    return new Places(byClass(program, takers, byteClasses, classCount), List.of(conditions), all);
  }

  private static List<int[]> byClass(
      Program program, int[] takers, int[] byteClasses, int classCount) {
    int[] example = new int[classCount];
    for (int value = 0; value < byteClasses.length; value++) {
      example[byteClasses[value]] = value;
    }
    int[][] lists = new int[classCount][];
    long entries = 0;
    for (int number = 0; number < classCount; number++) {
      int value = example[number];
      lists[number] =
          takers.length == 0
              ? NONE
              : Arrays.stream(takers)
                  .filter(pc -> program.setContains(program.arg[pc], value))
                  .toArray();
      entries += lists[number].length;
      if (entries > MAX_ENTRIES) {
        Arrays.fill(lists, takers);
        break;
      }
    }
    return List.of(lists);
  }

  /**
   * Adds what can be reached without a byte: takers, and conditions that need the next byte. No two
   * patterns share an instruction, so what was seen for one is not met by another.
   */
  private static boolean follow(
      Program program, int start, boolean afterLineFeed, BitSet seen, BitSet found) {
    boolean any = false;
    Deque<Integer> pending = new ArrayDeque<>(List.of(start));
    while (!pending.isEmpty()) {
      int pc = pending.pop();
      if (seen.get(pc)) {
        continue;
      }
      seen.set(pc);
      switch (program.op[pc]) {
        case Program.SPLIT -> {
          pending.push(program.alt[pc]);
          pending.push(program.out[pc]);
        }
        case Program.ASSERT -> {
          Condition condition = program.conditions[program.arg[pc]];
          if (!condition.looksBackOnly()) {
            found.set(pc);
            any = true;
          } else if (afterLineFeed && condition == Condition.LINE_START) {
            pending.push(program.out[pc]);
          }
        }
        case Program.SET -> {
          found.set(pc);
          any = true;
        }
        default -> {
          // A match without a byte: it has been found at the start of the input.
        }
      }
    }
    return any;
  }
}
