package io.ipsentry.pattern;

import io.ipsentry.pattern.Node.Condition;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns trees into a {@link Program}, back to front: each part is given the instruction that
 * follows it, so no address has to be filled in later except that of a loop.
 *
 * <p>For an automaton, what a finite automaton cannot express is widened: look-arounds hold, a
 * back-reference is any text, a conditional either branch, an atomic group an ordinary one. What
 * then does not match, does not match at all; what does is to be confirmed by a {@link
 * Backtracker}.
 */
final class ProgramCompiler {
  /** Instructions of one expression. */
  static final int MAX_PATTERN_SIZE = 20_000;

  /** Instructions of a set. */
  static final int MAX_SET_SIZE = 1_000_000;

  /** Longest text a look-behind looks back, in bytes. */
  static final int MAX_LOOK_BEHIND = 1000;

  /** Visits of tree nodes for one expression: bounds repetitions of what makes no instruction. */
  private static final int MAX_VISITS = 20 * MAX_PATTERN_SIZE;

  private final boolean automaton;
  private final Map<ByteSet, Integer> sets = new HashMap<>();
  private final List<ByteSet> byteSets = new ArrayList<>();
  private final List<Condition> conditions = new ArrayList<>();
  private final List<Program.Look> looks = new ArrayList<>();
  private int[] op = new int[64];
  private int[] arg = new int[64];
  private int[] out = new int[64];
  private int[] alt = new int[64];
  private int[] owner = new int[64];
  private int size;
  private int slots;
  private @Nullable Regex regex;
  private int current;
  private int firstOfCurrent;
  private int visits;

  private ProgramCompiler(boolean automaton) {
    this.automaton = automaton;
  }

  /** One program that runs all expressions at once, without groups. */
  static Program automaton(List<Regex> regexes) {
    ProgramCompiler compiler = new ProgramCompiler(true);
    int[] starts = new int[regexes.size()];
    for (int i = 0; i < starts.length; i++) {
      starts[i] = compiler.compile(regexes.get(i), i);
    }
    return compiler.program(starts);
  }

  /** A program for one expression, with its groups. */
  static Program backtracking(Regex regex) {
    ProgramCompiler compiler = new ProgramCompiler(false);
    compiler.slots = 2 * (regex.groups() + 1);
    return compiler.program(new int[] {compiler.compile(regex, 0)});
  }

  private Program program(int[] starts) {
    return new Program(
        Arrays.copyOf(op, size),
        Arrays.copyOf(arg, size),
        Arrays.copyOf(out, size),
        Arrays.copyOf(alt, size),
        Arrays.copyOf(owner, size),
        starts,
        byteSets.toArray(ByteSet[]::new),
        conditions.toArray(Condition[]::new),
        looks.toArray(Program.Look[]::new),
        slots);
  }

  private int compile(Regex next, int number) {
    regex = next;
    current = number;
    firstOfCurrent = size;
    visits = 0;
    return compile(next.root(), emit(Program.MATCH, number, -1, -1));
  }

  private int compile(Node node, int next) {
    if (++visits > MAX_VISITS) {
      throw tooLarge();
    }
    return switch (node) {
      case Node.Empty _ -> next;
      case Node.Bytes(var set) -> emit(Program.SET, number(set), next, -1);
      case Node.Sequence(var parts) -> {
        int entry = next;
        for (int i = parts.size() - 1; i >= 0; i--) {
          entry = compile(parts.get(i), entry);
        }
        yield entry;
      }
      case Node.Choice(var options) -> choice(options, next);
      case Node.Repeat repeat -> repeat(repeat, next);
      case Node.Group(var body, var number) -> group(body, number, next);
      case Node.Look look -> automaton ? next : look(look, next);
      case Node.Atomic(var body) -> atomic(body, next);
      case Node.BackReference reference -> backReference(reference, next);
      case Node.Conditional(var group, var yes, var no) -> {
        int taken = compile(yes, next);
        int other = compile(no, next);
        yield emit(automaton ? Program.SPLIT : Program.CONDITIONAL, group, taken, other);
      }
      case Node.Assertion(var condition) -> emit(Program.ASSERT, number(condition), next, -1);
    };
  }

  private int atomic(Node body, int next) {
    if (automaton) {
      return compile(body, next);
    }
    if (body instanceof Node.Repeat(Node.Bytes(var set), var min, var max, var greed)
        && max == Node.UNBOUNDED
        && greed == Node.Greed.GREEDY) {
      return run(set, min, next);
    }
    return emit(Program.ATOMIC, 0, next, compile(body, emit(Program.BODY_END, 0, -1, -1)));
  }

  /** At least {@code min} bytes of a set, and then all that follow. */
  private int run(ByteSet set, int min, int next) {
    int entry = emit(Program.RUN, number(set), next, -1);
    for (int i = 0; i < min; i++) {
      entry = emit(Program.SET, number(set), entry, -1);
    }
    return entry;
  }

  /**
   * Whether what follows a greedy loop over a set cannot match where the loop could also go on, so
   * that the loop need not be able to give bytes back.
   */
  private boolean nothingToGiveBack(ByteSet set, int next) {
    BitSet seen = new BitSet();
    Deque<Integer> pending = new ArrayDeque<>(List.of(next));
    boolean matches = false;
    boolean conditional = false;
    while (!pending.isEmpty()) {
      int pc = pending.pop();
      if (pc < 0) {
        // A loop that is still being compiled.
        return false;
      }
      if (seen.get(pc)) {
        continue;
      }
      seen.set(pc);
      switch (op[pc]) {
        case Program.SET -> {
          if (byteSets.get(arg[pc]).intersects(set)) {
            return false;
          }
        }
        case Program.RUN -> {
          if (byteSets.get(arg[pc]).intersects(set)) {
            return false;
          }
          pending.push(out[pc]);
        }
        case Program.MATCH -> matches = true;
        case Program.SAVE -> pending.push(out[pc]);
        case Program.SPLIT -> {
          pending.push(out[pc]);
          pending.push(alt[pc]);
        }
        case Program.ASSERT -> {
          Condition condition = conditions.get(arg[pc]);
          boolean end =
              condition == Condition.TEXT_END
                  || condition == Condition.LAST_LINE_END && !set.contains('\n');
          if (!end) {
            conditional = true;
            pending.push(out[pc]);
          }
        }
        default -> {
          return false;
        }
      }
    }
    return !(matches && conditional);
  }

  private int choice(List<Node> options, int next) {
    int entry = compile(options.getLast(), next);
    for (int i = options.size() - 2; i >= 0; i--) {
      entry = emit(Program.SPLIT, 0, compile(options.get(i), next), entry);
    }
    return entry;
  }

  private int repeat(Node.Repeat repeat, int next) {
    if (!automaton
        && repeat.max() == Node.UNBOUNDED
        && repeat.greed() == Node.Greed.GREEDY
        && repeat.body() instanceof Node.Bytes(var set)
        && nothingToGiveBack(set, next)) {
      return run(set, repeat.min(), next);
    }
    int copies = repeat.min();
    int entry;
    if (repeat.max() == Node.UNBOUNDED) {
      int loop = emit(Program.SPLIT, 0, -1, -1);
      int body = loopBody(repeat.body(), loop, next);
      branch(loop, body, next, repeat.greed());
      entry = copies > 0 ? body : loop;
      copies--;
    } else {
      entry = next;
      for (int i = repeat.min(); i < repeat.max(); i++) {
        int body = compile(repeat.body(), entry);
        entry = emit(Program.SPLIT, 0, -1, -1);
        branch(entry, body, next, repeat.greed());
      }
    }
    for (int i = 0; i < copies; i++) {
      entry = compile(repeat.body(), entry);
    }
    return entry;
  }

  /** A loop's body; one that can take nothing leaves the loop when it does. */
  private int loopBody(Node body, int loop, int next) {
    if (automaton || body.minLength() > 0) {
      return compile(body, loop);
    }
    int slot = slots++;
    int progress = emit(Program.PROGRESS, slot, loop, next);
    return emit(Program.SAVE, slot, compile(body, progress), -1);
  }

  private void branch(int split, int body, int next, Node.Greed greed) {
    out[split] = greed == Node.Greed.GREEDY ? body : next;
    alt[split] = greed == Node.Greed.GREEDY ? next : body;
  }

  private int group(Node body, int number, int next) {
    if (automaton) {
      return compile(body, next);
    }
    int end = emit(Program.SAVE, 2 * number + 1, next, -1);
    return emit(Program.SAVE, 2 * number, compile(body, end), -1);
  }

  private int look(Node.Look look, int next) {
    int max = look.body().maxLength();
    if (look.behind() && max > MAX_LOOK_BEHIND) {
      throw regex()
          .invalid(
              look.position(),
              "look-behind of more than " + MAX_LOOK_BEHIND + " bytes",
              "replace * and + in it by {0,n}");
    }
    looks.add(new Program.Look(look.behind(), look.negated(), look.body().minLength(), max));
    int number = looks.size() - 1;
    int body = compile(look.body(), emit(Program.BODY_END, 0, -1, -1));
    return emit(Program.LOOK, number, next, body);
  }

  private int backReference(Node.BackReference reference, int next) {
    if (automaton) {
      int loop = emit(Program.SPLIT, 0, -1, next);
      int any = emit(Program.SET, number(ByteSet.ALL), loop, -1);
      out[loop] = any;
      return loop;
    }
    int operation =
        reference.ignoreCase() ? Program.BACK_REFERENCE_IGNORE_CASE : Program.BACK_REFERENCE;
    return emit(operation, reference.group(), next, -1);
  }

  private int number(Condition condition) {
    if (!conditions.contains(condition)) {
      conditions.add(condition);
    }
    return conditions.indexOf(condition);
  }

  private int number(ByteSet set) {
    Integer known = sets.putIfAbsent(set, sets.size());
    if (known != null) {
      return known;
    }
    byteSets.add(set);
    return byteSets.size() - 1;
  }

  private int emit(int operation, int operand, int next, int other) {
    if (size - firstOfCurrent >= MAX_PATTERN_SIZE || size >= MAX_SET_SIZE) {
      throw tooLarge();
    }
    if (size == op.length) {
      op = Arrays.copyOf(op, 2 * size);
      arg = Arrays.copyOf(arg, 2 * size);
      out = Arrays.copyOf(out, 2 * size);
      alt = Arrays.copyOf(alt, 2 * size);
      owner = Arrays.copyOf(owner, 2 * size);
    }
    op[size] = operation;
    arg[size] = operand;
    out[size] = next;
    alt[size] = other;
    owner[size] = current;
    return size++;
  }

  private Regex regex() {
    if (regex == null) {
      throw new IllegalStateException("nothing is being compiled");
    }
    return regex;
  }

  private InvalidPatternException tooLarge() {
    return regex()
        .invalid(
            0,
            size >= MAX_SET_SIZE
                ? "the patterns before it leave no room in a set of " + MAX_SET_SIZE + " states"
                : "it needs more than " + MAX_PATTERN_SIZE + " states",
            "use smaller counts in {m,n}, or + and *");
  }
}
