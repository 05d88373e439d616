package io.ipsentry.pattern;

import io.ipsentry.pattern.Node.Condition;

/** An expression prepared for a {@link Backtracker}; immutable. */
final class ExactPattern {
  final Program program;

  /** Number of the note of an instruction that loops or can be reached in two ways, else -1. */
  final int[] noteOf;

  /** Number of such instructions. */
  final int notes;

  /** Whether the outcome at a place can depend on what groups took before. */
  final boolean remembers;

  /** Whether a finite automaton could express it. */
  final boolean regular;

  /** Bytes with which a match can begin; all, if it can be empty. */
  final ByteSet first;

  /** Whether a match can begin at the start of the text only. */
  final boolean anchored;

  ExactPattern(Regex regex) {
    this.program = ProgramCompiler.backtracking(regex);
    this.remembers = regex.root().remembers();
    this.regular = regex.root().isRegular();
    this.first = firstBytes(program);
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

  private static ByteSet firstBytes(Program program) {
    ByteSet first = ByteSet.none();
    boolean[] seen = new boolean[program.size()];
    int[] pending = new int[2 * program.size() + 1];
    int top = 0;
    pending[top++] = program.starts[0];
    while (top > 0) {
      int pc = pending[--top];
      if (seen[pc]) {
        continue;
      }
      seen[pc] = true;
      switch (program.op[pc]) {
        case Program.SET -> first = first.or(program.set(program.arg[pc]));
        case Program.RUN -> {
          first = first.or(program.set(program.arg[pc]));
          pending[top++] = program.out[pc];
        }
        case Program.SPLIT, Program.PROGRESS, Program.CONDITIONAL -> {
          pending[top++] = program.out[pc];
          pending[top++] = program.alt[pc];
        }
        case Program.SAVE, Program.ASSERT, Program.LOOK -> pending[top++] = program.out[pc];
        default -> {
          return ByteSet.ALL;
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
