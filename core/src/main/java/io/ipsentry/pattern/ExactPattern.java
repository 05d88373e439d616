package io.ipsentry.pattern;

import io.ipsentry.pattern.Node.Condition;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An expression prepared for a {@link Backtracker}; immutable. */
final class ExactPattern {
  /** Instructions looked at to find the first bytes of a branch; bounds the time to compile. */
  private static final int MAX_VISITS = 64;

  final Program program;

  /** Number of the note of an instruction that loops or can be reached in two ways, else -1. */
  final int[] noteOf;

  /** Number of such instructions. */
  final int notes;

  /** Whether the outcome at a place can depend on what groups took before. */
  final boolean remembers;

  /** Whether a finite automaton could express it. */
  final boolean regular;

  /** Bytes with which a match can begin; null, if it can be empty. */
  final @Nullable ByteSet first;

  // For a branch of a split the number of its set of first bytes in firsts, or -1.
  private final int[] firstOf;
  private final long[] firsts;

  /** Whether a match can begin at the start of the text only. */
  final boolean anchored;

  ExactPattern(Regex regex) {
    this.program = ProgramCompiler.backtracking(regex);
    this.remembers = regex.root().remembers();
    this.regular = regex.root().isRegular();
    this.first = firstBytes(program, program.starts[0], Integer.MAX_VALUE);
    this.firstOf = new int[program.size()];
    this.firsts = findFirsts(program, firstOf);
    this.anchored = anchored(program);
    this.noteOf = new int[program.size()];
    this.notes = numberNotes(program, noteOf);
  }

  private static int numberNotes(Program program, int[] noteOf) {
    int[] reached = new int[program.size()];
    for (int pc = 0; pc < program.size(); pc++) {
      if (program.out[pc] >= 0) {
        reached[program.out[pc]]++;
      }
      if (program.alt[pc] >= 0) {
        reached[program.alt[pc]]++;
      }
    }
    int notes = 0;
    for (int pc = 0; pc < noteOf.length; pc++) {
      boolean joins = reached[pc] > 1 && program.op[pc] != Program.PROGRESS;
      boolean chooses = program.op[pc] == Program.SPLIT || program.op[pc] == Program.RUN;
      noteOf[pc] = joins || chooses ? notes++ : -1;
    }
    return notes;
  }

  /** Whether an instruction can lead to a match if this is the next byte; -1: there is none. */
  boolean canGoOn(int pc, int next) {
    int first = firstOf[pc];
    return first < 0 || next >= 0 && (firsts[(first << 2) + (next >>> 6)] >>> next & 1) != 0;
  }

  /** For each branch of a split the bytes with which it can begin, as far as that is soon found. */
  private static long[] findFirsts(Program program, int[] firstOf) {
    List<ByteSet> found = new ArrayList<>();
    Arrays.fill(firstOf, -1);
    for (int pc = 0; pc < program.size(); pc++) {
      if (program.op[pc] == Program.SPLIT) {
        for (int branch : new int[] {program.out[pc], program.alt[pc]}) {
          ByteSet first = firstBytes(program, branch, MAX_VISITS);
          if (first != null) {
            firstOf[branch] = found.size();
            found.add(first);
          }
        }
      }
    }
    long[] words = new long[4 * found.size()];
    for (int i = 0; i < found.size(); i++) {
      found.get(i).copyTo(words, 4 * i);
    }
    return words;
  }

  /** Bytes with which a match can begin; null if it can be empty, or is not found out soon. */
  private static @Nullable ByteSet firstBytes(Program program, int start, int maxVisits) {
    ByteSet first = ByteSet.none();
    BitSet seen = new BitSet();
    Deque<Integer> pending = new ArrayDeque<>(List.of(start));
    while (!pending.isEmpty()) {
      int pc = pending.pop();
      if (seen.get(pc)) {
        continue;
      }
      seen.set(pc);
      if (seen.cardinality() > maxVisits) {
        return null;
      }
      switch (program.op[pc]) {
        case Program.SET -> first = first.or(program.set(program.arg[pc]));
        case Program.RUN -> {
          first = first.or(program.set(program.arg[pc]));
          pending.push(program.out[pc]);
        }
        case Program.SPLIT, Program.PROGRESS, Program.CONDITIONAL -> {
          pending.push(program.out[pc]);
          pending.push(program.alt[pc]);
        }
        case Program.SAVE, Program.ASSERT, Program.LOOK -> pending.push(program.out[pc]);
        default -> {
          return null;
        }
      }
    }
    return first;
  }

  private static boolean anchored(Program program) {
    int pc = program.starts[0];
    while (program.op[pc] == Program.SAVE) {
      pc = program.out[pc];
    }
    return program.op[pc] == Program.ASSERT
        && program.conditions[program.arg[pc]] == Condition.TEXT_START;
  }
}
