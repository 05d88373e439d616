package io.ipsentry.pattern;

import io.ipsentry.pattern.Node.Condition;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Instructions of one expression or, for a set, of many; a state of the automaton is an
 * instruction.
 *
 * <p>Instruction {@code i} is {@code op[i]} with the operand {@code arg[i]}; it goes on at {@code
 * out[i]}, and a {@link #SPLIT} also, less preferred, at {@code alt[i]}. Immutable once built.
 */
final class Program {
  /** Takes a byte of set {@code arg}. */
  static final int SET = 0;

  /** Goes on at {@code out}, else at {@code alt}. */
  static final int SPLIT = 1;

  /** Goes on if condition {@code arg} holds. */
  static final int ASSERT = 2;

  /** The expression {@code arg} has matched. */
  static final int MATCH = 3;

  /** Notes the place in slot {@code arg}. */
  static final int SAVE = 4;

  /**
   * Goes on at {@code out} if bytes were taken since slot {@code arg} was saved, else at {@code
   * alt}.
   */
  static final int PROGRESS = 5;

  /** Look-around number {@code arg}, whose body is at {@code alt}. */
  static final int LOOK = 6;

  /** Atomic group, whose body is at {@code alt}. */
  static final int ATOMIC = 7;

  /** What group {@code arg} took, again. */
  static final int BACK_REFERENCE = 8;

  /** As {@link #BACK_REFERENCE}, for either case. */
  static final int BACK_REFERENCE_IGNORE_CASE = 9;

  /** Goes on at {@code out} if group {@code arg} took part, else at {@code alt}. */
  static final int CONDITIONAL = 10;

  /** End of the body of a look-around or atomic group. */
  static final int BODY_END = 11;

  /** Takes bytes of set {@code arg} while there are any, and gives none back. */
  static final int RUN = 12;

  /** A look-around; a look-behind's body takes {@code min} to {@code max} bytes. */
  record Look(boolean behind, boolean negated, int min, int max) {}

  final int[] op;
  final int[] arg;
  final int[] out;
  final int[] alt;

  /** Number of the expression to which an instruction belongs. */
  final int[] owner;

  /** First instruction of each expression. */
  final int[] starts;

  /** The distinct byte sets, four words each. */
  final long[] sets;

  /** The distinct conditions. */
  final Condition[] conditions;

  final Look[] looks;

  /** Slots: start and end of group 0, of group 1, …, then those of loops. */
  final int slots;

  Program(
      int[] op,
      int[] arg,
      int[] out,
      int[] alt,
      int[] owner,
      int[] starts,
      ByteSet[] byteSets,
      Condition[] conditions,
      Look[] looks,
      int slots) {
    this.op = op;
    this.arg = arg;
    this.out = out;
    this.alt = alt;
    this.owner = owner;
    this.starts = starts;
    this.sets = new long[byteSets.length * 4];
    for (int i = 0; i < byteSets.length; i++) {
      byteSets[i].copyTo(sets, 4 * i);
    }
    this.conditions = conditions;
    this.looks = looks;
    this.slots = slots;
  }

  int size() {
    return op.length;
  }

  ByteSet set(int number) {
    int at = 4 * number;
    return new ByteSet(sets[at], sets[at + 1], sets[at + 2], sets[at + 3]);
  }

  boolean setContains(int set, int value) {
    return (sets[(set << 2) + (value >>> 6)] >>> value & 1) != 0;
  }

  /**
   * Classes of bytes that no instruction tells apart: the class of each byte, numbered from 0
   * without gaps. The line feed has a class of its own, and word characters are told from others if
   * a condition asks for them.
   */
  int[] byteClasses() {
    int[] classes = new int[256];
    refine(classes, ByteSet.LINE_FEED);
    List<Condition> asked = Arrays.asList(conditions);
    if (asked.contains(Condition.WORD_BOUNDARY) || asked.contains(Condition.NO_WORD_BOUNDARY)) {
      refine(classes, ByteSet.WORD);
    }
    for (int i = 0; i < sets.length / 4; i++) {
      refine(classes, set(i));
    }
    return classes;
  }

  private static void refine(int[] classes, ByteSet set) {
    Map<Integer, Integer> numbers = new LinkedHashMap<>();
    for (int value = 0; value < 256; value++) {
      int key = classes[value] << 1 | (set.contains(value) ? 1 : 0);
      Integer number = numbers.putIfAbsent(key, numbers.size());
      classes[value] = number == null ? numbers.size() - 1 : number;
    }
  }

  static boolean isWord(int value) {
    return ByteSet.WORD.contains(value);
  }
}
