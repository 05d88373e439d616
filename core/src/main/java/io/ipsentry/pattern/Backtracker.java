package io.ipsentry.pattern;

import java.util.Arrays;

/**
 * Runs one expression with its groups over bytes, by backtracking on a stack of its own. Confined
 * to one thread.
 *
 * <p>Where the outcome at a place does not depend on what groups took before, each pair of
 * (instruction, place) that has failed is noted and not tried again, so that an ordinary regular
 * expression takes linear time; only instructions that can be reached in more than one way are
 * noted. Bodies of look-arounds and atomic groups, and expressions with back-references or
 * conditionals, go without notes and have a budget of steps.
 */
final class Backtracker {
  /** Notes: bits; an input for which more are needed has a budget instead. */
  static final long MAX_NOTES = 64L << 20;

  private static final int ANYWHERE = -1;

  private final ExactPattern exact;
  private final Program program;
  private final long budget;
  private final int[] slot;

  // Entries of two: (instruction, place) to try, or (complement of a slot, value to restore).
  private int[] stack = new int[64];
  private int top;
  private long[] notes = new long[0];
  private int wordsPerNote;
  private long steps;
  private long limit;
  private boolean ranOut;

  private byte[] text = new byte[0];
  private int from;
  private int to;
  private int matchEnd;

  Backtracker(ExactPattern exact, long budget) {
    this.exact = exact;
    this.program = exact.program;
    this.budget = budget;
    this.slot = new int[program.slots];
  }

  /** Finds the first match in a range; {@link #ranOut} tells if the budget ended the search. */
  boolean find(byte[] b, int begin, int end) {
    text = b;
    from = begin;
    to = end;
    steps = 0;
    ranOut = false;
    top = 0;
    boolean noting = prepareNotes();
    limit = noting && exact.regular ? Long.MAX_VALUE : budget;
    ByteSet first = exact.first;
    int lastStart = exact.anchored ? begin : end;
    for (int at = begin; at <= lastStart && !ranOut; at++) {
      if (first != null && (at == end || !first.contains(b[at] & 0xff))) {
        continue;
      }
      Arrays.fill(slot, -1);
      if (run(program.starts[0], at, noting, ANYWHERE)) {
        slot[0] = at;
        slot[1] = matchEnd;
        return true;
      }
    }
    return false;
  }

  /** Whether the last search ended because its budget was used up. */
  boolean ranOut() {
    return ranOut;
  }

  /** Instructions the last search took. */
  long steps() {
    return steps;
  }

  /** Start (even) or end (odd) of a group, as an index into the array; -1 if it took no part. */
  int slot(int number) {
    return slot[number];
  }

  private boolean prepareNotes() {
    wordsPerNote = (to - from >>> 6) + 1;
    long needed = (long) wordsPerNote * exact.notes;
    if (exact.remembers || needed > MAX_NOTES >>> 6) {
      return false;
    }
    int words = (int) needed;
    if (notes.length < words) {
      notes = new long[Math.max(words, 2 * notes.length)];
    } else {
      Arrays.fill(notes, 0, words, 0);
    }
    return true;
  }

  /** Whether an instruction is at this place for the first time; notes it. */
  private boolean first(int note, int at) {
    int word = note * wordsPerNote + (at - from >>> 6);
    long mask = 1L << at - from;
    if ((notes[word] & mask) != 0) {
      return false;
    }
    notes[word] |= mask;
    return true;
  }

  /**
   * Runs until a match, the end of a body, or until nothing is left to try since the call.
   *
   * @param mustEnd where a body has to end, or {@link #ANYWHERE}
   */
  private boolean run(int first, int begin, boolean noting, int mustEnd) {
    int base = top;
    int pc = first;
    int at = begin;
    while (true) {
      if (++steps > limit) {
        ranOut = true;
        top = base;
        return false;
      }
      boolean alive = true;
      int note = noting ? exact.noteOf[pc] : -1;
      if (note >= 0 && !first(note, at)) {
        alive = false;
      } else {
        switch (program.op[pc]) {
          case Program.SET -> {
            alive = at < to && program.setContains(program.arg[pc], text[at] & 0xff);
            at++;
            pc = program.out[pc];
          }
          case Program.RUN -> {
            int stop = note < 0 ? to : nextNoted(note, at);
            int end = runEnd(program.arg[pc], at, stop);
            if (note >= 0) {
              note(note, at, end);
              // From there on an earlier run has been, which failed.
              alive = end < stop || stop == to;
            }
            steps += end - at;
            at = end;
            pc = program.out[pc];
          }
          case Program.SPLIT -> {
            int next = at < to ? text[at] & 0xff : -1;
            if (!exact.canGoOn(program.out[pc], next)) {
              pc = program.alt[pc];
            } else {
              if (exact.canGoOn(program.alt[pc], next)) {
                push(program.alt[pc], at);
              }
              pc = program.out[pc];
            }
          }
          case Program.ASSERT -> {
            alive = holds(program.arg[pc], at);
            pc = program.out[pc];
          }
          case Program.SAVE -> {
            int number = program.arg[pc];
            push(~number, slot[number]);
            slot[number] = at;
            pc = program.out[pc];
          }
          case Program.PROGRESS ->
              pc = slot[program.arg[pc]] == at ? program.alt[pc] : program.out[pc];
          case Program.CONDITIONAL ->
              pc = slot[2 * program.arg[pc] + 1] >= 0 ? program.out[pc] : program.alt[pc];
          case Program.BACK_REFERENCE, Program.BACK_REFERENCE_IGNORE_CASE -> {
            boolean fold = program.op[pc] == Program.BACK_REFERENCE_IGNORE_CASE;
            int length = referenceLength(program.arg[pc], at, fold);
            alive = length >= 0;
            at += length;
            pc = program.out[pc];
          }
          case Program.LOOK -> {
            alive = look(program.looks[program.arg[pc]], program.alt[pc], at);
            pc = program.out[pc];
          }
          case Program.ATOMIC -> {
            int kept = top;
            alive = run(program.alt[pc], at, false, ANYWHERE);
            if (alive) {
              dropChoices(kept);
              at = matchEnd;
            }
            pc = program.out[pc];
          }
          default -> {
            if (mustEnd == ANYWHERE || at == mustEnd) {
              matchEnd = at;
              return true;
            }
            alive = false;
          }
        }
      }
      if (ranOut) {
        top = base;
        return false;
      }
      if (!alive) {
        while (top > base && stack[top - 2] < 0) {
          top -= 2;
          slot[~stack[top]] = stack[top + 1];
        }
        if (top == base) {
          return false;
        }
        top -= 2;
        pc = stack[top];
        at = stack[top + 1];
      }
    }
  }

  private int runEnd(int set, int begin, int stop) {
    int at = begin;
    while (at < stop && program.setContains(set, text[at] & 0xff)) {
      at++;
    }
    return at;
  }

  /** The first place behind another for which an instruction is noted, or the end of the text. */
  private int nextNoted(int note, int at) {
    int row = note * wordsPerNote;
    int begin = at + 1 - from;
    int word = begin >>> 6;
    if (word == wordsPerNote) {
      return to;
    }
    long bits = notes[row + word] & -1L << begin;
    while (bits == 0) {
      if (++word == wordsPerNote) {
        return to;
      }
      bits = notes[row + word];
    }
    return from + (word << 6) + Long.numberOfTrailingZeros(bits);
  }

  /** Notes an instruction for all places from one to another, both included. */
  private void note(int note, int first, int last) {
    int row = note * wordsPerNote;
    int begin = first - from;
    int end = last - from;
    for (int word = begin >>> 6; word <= end >>> 6; word++) {
      long mask = -1L;
      if (word == begin >>> 6) {
        mask &= -1L << begin;
      }
      if (word == end >>> 6) {
        mask &= -1L >>> 63 - (end & 63);
      }
      notes[row + word] |= mask;
    }
  }

  private void push(int what, int value) {
    if (top == stack.length) {
      stack = Arrays.copyOf(stack, 2 * top);
    }
    stack[top++] = what;
    stack[top++] = value;
  }

  private boolean look(Program.Look look, int body, int at) {
    int kept = top;
    boolean found = false;
    if (look.behind()) {
      int most = Math.min(look.max(), at - from);
      for (int length = look.min(); length <= most && !found && !ranOut; length++) {
        found = run(body, at - length, false, at);
      }
    } else {
      found = run(body, at, false, ANYWHERE);
    }
    if (found && look.negated()) {
      undo(kept);
    } else if (found) {
      dropChoices(kept);
    }
    return found != look.negated();
  }

  /** Takes back what happened since the stack had a height. */
  private void undo(int height) {
    while (top > height) {
      top -= 2;
      if (stack[top] < 0) {
        slot[~stack[top]] = stack[top + 1];
      }
    }
  }

  /** Forgets the choices above a height but keeps what is to be restored. */
  private void dropChoices(int height) {
    int kept = height;
    for (int i = height; i < top; i += 2) {
      if (stack[i] < 0) {
        stack[kept++] = stack[i];
        stack[kept++] = stack[i + 1];
      }
    }
    top = kept;
  }

  /** Length of what a group took if it comes again at a place, else -1. */
  private int referenceLength(int group, int at, boolean fold) {
    int start = slot[2 * group];
    int length = slot[2 * group + 1] - start;
    if (start < 0 || slot[2 * group + 1] < start || length > to - at) {
      return -1;
    }
    steps += length;
    for (int i = 0; i < length; i++) {
      byte a = text[start + i];
      byte b = text[at + i];
      if (a != b && !(fold && lower(a) == lower(b))) {
        return -1;
      }
    }
    return length;
  }

  private static int lower(byte b) {
    return b >= 'A' && b <= 'Z' ? b + 32 : b;
  }

  private boolean holds(int condition, int at) {
    return switch (program.conditions[condition]) {
      case TEXT_START -> at == from;
      case LINE_START -> at == from || text[at - 1] == '\n';
      case TEXT_END -> at == to;
      case LAST_LINE_END -> at == to || at == to - 1 && text[at] == '\n';
      case LINE_END -> at == to || text[at] == '\n';
      case WORD_BOUNDARY -> atBoundary(at);
      case NO_WORD_BOUNDARY -> !atBoundary(at);
    };
  }

  private boolean atBoundary(int at) {
    boolean before = at > from && Program.isWord(text[at - 1] & 0xff);
    boolean behind = at < to && Program.isWord(text[at] & 0xff);
    return before != behind;
  }
}
