package io.ipsentry.pattern;

import io.ipsentry.pattern.Node.Condition;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Runs a {@link PatternSet} over byte ranges. Confined to one thread.
 *
 * <p>The automaton is built as input asks for it. A state is the set of instructions that may take
 * the next byte, together with the patterns that have matched already; a pattern that has matched,
 * or cannot match any more, leaves the state, and a state without instructions decides at once. An
 * instruction whose condition looks ahead ({@code $}, {@code \b}) stays in the state until the next
 * byte is known. What can begin at every place is not held in the states ({@link Restarts}).
 * Besides the classes of bytes there are two symbols: the end of the input, and a line feed that is
 * its last byte, for {@code $}.
 *
 * <p>The cache of states is bounded ({@link #CACHE_BYTES}). When it is full it is emptied and built
 * anew; when that does not pay, because it fills up again within a few bytes a state, the rest of
 * the input is decided without it, in time linear in the size of the set and the input. So no input
 * takes more than linear time, except for patterns that need backtracking, which have a budget.
 *
 * <p>Once the states for the input at hand are built, matching allocates nothing.
 */
public final class PatternMatcher {
  /** Size of the cache of states of one matcher, about; beyond it the cache is emptied. */
  public static final long CACHE_BYTES = 4L << 20;

  /** Steps that one pattern that needs backtracking may take over one input; beyond: no match. */
  public static final int STEP_BUDGET = 200_000;

  /**
   * Different sets of matched patterns kept; beyond, the cache is emptied before the next input.
   */
  static final int MAX_MATCH_SETS = 4096;

  /** Bytes a state must have served, on average, for the cache to be worth filling again. */
  private static final int MIN_BYTES_PER_STATE = 10;

  private static final int UNKNOWN = Integer.MIN_VALUE;
  private static final int STATE_OVERHEAD_BYTES = 96;

  // What was before the place: decides conditions that look back.
  private static final int AT_START = 0;
  private static final int AFTER_LINE_FEED = 1;
  private static final int AFTER_WORD = 2;
  private static final int AFTER_OTHER = 3;

  // The symbol behind the place, when it is no byte.
  private static final int END = 256;
  private static final int LAST_LINE_FEED = 257;

  private final PatternSet set;
  private final Program program;
  private final int[] classOf;
  private final int stride;
  private final int endColumn;
  private final int lastLineFeedColumn;
  private final int[] byteOfColumn;
  private final Restarts restarts;
  private final long cacheBytes;
  private final MatchSets sets;
  private final long @Nullable [] unconfirmed;
  private final Backtracker[] backtrackers;

  // The cache: state s has the transitions from s * stride on.
  private int[] transitions;
  private int[][] kernels = new int[16][];
  private int[] before = new int[16];
  private int[] matchSet = new int[16];
  private int states;
  private int[] index = new int[64];
  private long usedBytes;
  private long scannedAtFlush;
  private long scanned;
  private int start;

  // The state under construction.
  private final long[] matched;
  private final int[] list;
  private final int[] nextList;
  private final int[] mark;
  private final int[] nextMark;
  private final int[] pending;
  private int[] scratch = new int[64];
  private int generation;
  private int listSize;
  private int nextSize;
  private int kernelSize;
  private int kernelBefore;

  private long steps;
  private long flushes;
  private long uncached;
  private long overBudget;
  private long backtrackingSteps;

  PatternMatcher(PatternSet set, long cacheBytes) {
    this.set = set;
    this.program = set.automaton;
    this.classOf = set.byteClasses;
    this.stride = set.classCount + 2;
    this.endColumn = set.classCount;
    this.lastLineFeedColumn = set.classCount + 1;
    this.cacheBytes = cacheBytes;
    this.byteOfColumn = new int[stride];
    for (int value = 255; value >= 0; value--) {
      byteOfColumn[classOf[value]] = value;
    }
    byteOfColumn[endColumn] = END;
    byteOfColumn[lastLineFeedColumn] = LAST_LINE_FEED;
    this.sets = new MatchSets(set.size());
    this.matched = new long[sets.words()];
    int size = program.size();
    this.list = new int[size];
    this.nextList = new int[size];
    this.mark = new int[size];
    this.nextMark = new int[size];
    this.pending = new int[2 * size + 1];
    this.transitions = new int[16 * stride];
    this.restarts = set.restarts;
    this.backtrackers = new Backtracker[set.size()];
    this.unconfirmed = unconfirmed();
    reset();
  }

  private long @Nullable [] unconfirmed() {
    long[] mask = new long[sets.words()];
    boolean any = false;
    for (int i = 0; i < set.exact.length; i++) {
      ExactPattern exact = set.exact[i];
      if (exact != null) {
        backtrackers[i] = new Backtracker(exact, STEP_BUDGET);
        mask[i >>> 6] |= 1L << i;
        any = true;
      }
    }
    return any ? mask : null;
  }

  /**
   * Finds the patterns that match somewhere in {@code b[from, to)}; the range is the whole text for
   * {@code ^}, {@code $} and {@code \b}.
   *
   * @return the number of a set of patterns, for {@link #matched}; 0 when nothing matched. Valid
   *     until the next call
   */
  public int match(byte[] b, int from, int to) {
    if (from < 0 || from > to || to > b.length) {
      throw new IndexOutOfBoundsException("range outside of the array");
    }
    if (sets.size() > MAX_MATCH_SETS) {
      flush();
    }
    int found = scan(b, from, to);
    long[] mask = unconfirmed;
    return mask == null || found == 0 ? found : confirm(found, mask, b, from, to);
  }

  /** Numbers of all patterns of a set that {@link #match} returned, ascending. Do not change. */
  public int[] matched(int id) {
    return sets.numbers(id);
  }

  /** The set these patterns are of. */
  public PatternSet set() {
    return set;
  }

  /** How often a pattern used up its {@link #STEP_BUDGET} and was taken as not matching. */
  public long overBudget() {
    return overBudget;
  }

  /** How often the cache of states was emptied. */
  public long cacheFlushes() {
    return flushes;
  }

  /** Instructions looked at where the cache gave no answer, and by backtracking. */
  public long steps() {
    return steps + backtrackingSteps;
  }

  /** Bytes taken without the cache because filling it did not pay. */
  long uncachedBytes() {
    return uncached;
  }

  /** States in the cache. */
  int states() {
    return states;
  }

  private int scan(byte[] b, int from, int to) {
    int state = start;
    if (state < 0) {
      return ~state;
    }
    int end = to > from && b[to - 1] == '\n' ? to - 1 : to;
    int[] table = transitions;
    int[] classes = classOf;
    int at = from;
    int counted = from;
    while (at < end) {
      int next = table[state + classes[b[at] & 0xff]];
      if (next < 0) {
        if (next == UNKNOWN) {
          scanned += at - counted;
          counted = at;
          next = build(state, classes[b[at] & 0xff]);
          table = transitions;
          if (next == UNKNOWN) {
            return simulate(b, at + 1, end, to);
          }
        }
        if (next < 0) {
          scanned += at - counted;
          return ~next;
        }
      }
      state = next;
      at++;
    }
    scanned += to - counted;
    if (end < to) {
      state = after(state, lastLineFeedColumn);
      if (state < 0) {
        return state == UNKNOWN ? simulate(b, to, to, to) : ~state;
      }
    }
    return ~after(state, endColumn);
  }

  private int after(int state, int column) {
    int next = transitions[state + column];
    return next == UNKNOWN ? build(state, column) : next;
  }

  /**
   * Makes the state that follows another.
   *
   * @return its transitions' place; if it decides, the complement of the number of its match set;
   *     or {@link #UNKNOWN} when the cache is full and emptying it does not pay: then the state is
   *     the one under construction
   */
  private int build(int state, int column) {
    int number = state / stride;
    sets.copyTo(matchSet[number], matched);
    int[] kernel = kernels[number];
    advance(kernel, kernel.length, before[number], byteOfColumn[column]);
    if (decided(byteOfColumn[column])) {
      int result = ~sets.number(matched);
      transitions[state + column] = result;
      return result;
    }
    int known = find();
    if (known < 0) {
      if (usedBytes + stateBytes() > cacheBytes && states > 1) {
        return scanned - scannedAtFlush >= (long) MIN_BYTES_PER_STATE * states
            ? addToEmptied()
            : UNKNOWN;
      }
      known = add();
    }
    transitions[state + column] = known;
    return known;
  }

  /** Empties the cache and adds the state under construction. */
  private int addToEmptied() {
    int[] kernel = Arrays.copyOf(scratch, kernelSize);
    int context = kernelBefore;
    long[] patterns = matched.clone();
    flush();
    System.arraycopy(kernel, 0, scratch, 0, kernel.length);
    kernelSize = kernel.length;
    kernelBefore = context;
    System.arraycopy(patterns, 0, matched, 0, patterns.length);
    return add();
  }

  /** Goes on from the state under construction without making states. */
  private int simulate(byte[] b, int from, int end, int to) {
    for (int at = from; at <= to; at++) {
      int symbol = at == to ? END : at == end ? LAST_LINE_FEED : b[at] & 0xff;
      advance(scratch, kernelSize, kernelBefore, symbol);
      uncached++;
      if (decided(symbol)) {
        break;
      }
    }
    return sets.number(matched);
  }

  /** Whether, after a symbol, nothing can match that has not. */
  private boolean decided(int symbol) {
    if (symbol == END) {
      return true;
    }
    if (kernelSize > 0) {
      return false;
    }
    for (int pattern : restarts.patterns) {
      if (!hasMatched(pattern)) {
        return false;
      }
    }
    return true;
  }

  /** Makes the state under construction from a kernel, which may be its own, and a symbol. */
  private void advance(int[] kernel, int size, int context, int symbol) {
    generation++;
    listSize = 0;
    nextSize = 0;
    for (int i = 0; i < size; i++) {
      list(kernel[i]);
    }
    int value = symbol == LAST_LINE_FEED ? '\n' : symbol;
    boolean looksAhead = needsContext(kernel, size, context);
    if (context != AT_START) {
      boolean afterLineFeed = context == AFTER_LINE_FEED;
      listUnmatched(restarts.conditions(afterLineFeed));
      if (symbol != END) {
        listUnmatched(restarts.takers(afterLineFeed, classOf[value]));
      }
    }
    if (looksAhead) {
      for (int i = 0; i < listSize; i++) {
        int pc = list[i];
        if (program.op[pc] == Program.ASSERT && holds(program.arg[pc], context, symbol)) {
          listSize = follow(program.out[pc], context, mark, list, true);
        }
      }
    }
    steps += listSize;
    kernelSize = 0;
    if (symbol == END) {
      return;
    }
    int behind = context(value);
    for (int i = 0; i < listSize; i++) {
      int pc = list[i];
      if (program.op[pc] == Program.SET && program.setContains(program.arg[pc], value)) {
        nextSize = follow(program.out[pc], behind, nextMark, nextList, false);
      }
    }
    keep(behind);
  }

  private void list(int pc) {
    if (mark[pc] != generation) {
      mark[pc] = generation;
      list[listSize++] = pc;
    }
  }

  private void listUnmatched(int[] instructions) {
    for (int pc : instructions) {
      if (!hasMatched(program.owner[pc])) {
        list(pc);
      }
    }
  }

  /** Whether conditions that look ahead are to be decided at a place. */
  private boolean needsContext(int[] kernel, int size, int context) {
    for (int i = 0; i < size; i++) {
      if (program.op[kernel[i]] == Program.ASSERT) {
        return true;
      }
    }
    return context != AT_START && restarts.conditions(context == AFTER_LINE_FEED).length > 0;
  }

  /**
   * Makes the kernel of what is left of the list: without the patterns that have matched, and
   * without what takes part at every place; sorted.
   */
  private void keep(int context) {
    if (scratch.length < nextSize) {
      scratch = new int[Math.max(nextSize, 2 * scratch.length)];
    }
    kernelSize = 0;
    boolean afterLineFeed = context == AFTER_LINE_FEED;
    for (int i = 0; i < nextSize; i++) {
      int pc = nextList[i];
      boolean everywhere = context != AT_START && restarts.contains(afterLineFeed, pc);
      if (!everywhere && !hasMatched(program.owner[pc])) {
        scratch[kernelSize++] = pc;
      }
    }
    Arrays.sort(scratch, 0, kernelSize);
    boolean known =
        context == AT_START
            || afterLineFeed && restarts.lineFeedMatters
            || needsContext(scratch, kernelSize, context);
    kernelBefore = known ? context : AFTER_OTHER;
  }

  private boolean hasMatched(int pattern) {
    return (matched[pattern >>> 6] >>> pattern & 1) != 0;
  }

  private static int context(int value) {
    return value == '\n' ? AFTER_LINE_FEED : Program.isWord(value) ? AFTER_WORD : AFTER_OTHER;
  }

  /**
   * Adds to a list the instructions that can be reached without taking a byte: those that take one,
   * and conditions that look ahead. A match is noted at once.
   *
   * @param marks generation in which an instruction was reached last
   * @param current whether the list is {@link #list} and not {@link #nextList}
   * @return the new size of the list
   */
  private int follow(int first, int context, int[] marks, int[] found, boolean current) {
    int size = current ? listSize : nextSize;
    int top = 0;
    pending[top++] = first;
    while (top > 0) {
      int pc = pending[--top];
      if (marks[pc] == generation) {
        continue;
      }
      marks[pc] = generation;
      steps++;
      switch (program.op[pc]) {
        case Program.SPLIT -> {
          pending[top++] = program.alt[pc];
          pending[top++] = program.out[pc];
        }
        case Program.ASSERT -> {
          Condition condition = program.conditions[program.arg[pc]];
          if (!condition.looksBackOnly()) {
            found[size++] = pc;
          } else if (context == AT_START
              || condition == Condition.LINE_START && context == AFTER_LINE_FEED) {
            pending[top++] = program.out[pc];
          }
        }
        case Program.MATCH -> {
          int pattern = program.arg[pc];
          matched[pattern >>> 6] |= 1L << pattern;
        }
        default -> found[size++] = pc;
      }
    }
    return size;
  }

  private boolean holds(int condition, int context, int symbol) {
    return switch (program.conditions[condition]) {
      case TEXT_START -> context == AT_START;
      case LINE_START -> context == AT_START || context == AFTER_LINE_FEED;
      case TEXT_END -> symbol == END;
      case LAST_LINE_END -> symbol >= END;
      case LINE_END -> symbol >= END || symbol == '\n';
      case WORD_BOUNDARY -> atBoundary(context, symbol);
      case NO_WORD_BOUNDARY -> !atBoundary(context, symbol);
    };
  }

  private static boolean atBoundary(int context, int symbol) {
    return (context == AFTER_WORD) != (symbol < END && Program.isWord(symbol));
  }

  private void flush() {
    flushes++;
    scannedAtFlush = scanned;
    reset();
  }

  private void reset() {
    states = 0;
    usedBytes = 0;
    Arrays.fill(index, 0);
    Arrays.fill(kernels, null);
    sets.clear();
    Arrays.fill(matched, 0);
    generation++;
    nextSize = 0;
    for (int entry : program.starts) {
      nextSize = follow(entry, AT_START, nextMark, nextList, false);
    }
    keep(AT_START);
    start = decided('\n') ? ~sets.number(matched) : add();
  }

  private long stateBytes() {
    return 4L * stride + 4L * kernelSize + STATE_OVERHEAD_BYTES;
  }

  /** Place of the transitions of the state under construction, or -1 if it is not in the cache. */
  private int find() {
    int wanted = sets.number(matched);
    int mask = index.length - 1;
    for (int i = hash(wanted) & mask; index[i] != 0; i = i + 1 & mask) {
      int number = index[i] - 1;
      if (matchSet[number] == wanted
          && before[number] == kernelBefore
          && Arrays.equals(kernels[number], 0, kernels[number].length, scratch, 0, kernelSize)) {
        return number * stride;
      }
    }
    return -1;
  }

  private int hash(int wanted) {
    int hash = wanted * 31 + kernelBefore;
    for (int i = 0; i < kernelSize; i++) {
      hash = hash * 31 + scratch[i];
    }
    return hash ^ hash >>> 15;
  }

  private int add() {
    int number = states++;
    if (number == kernels.length) {
      kernels = Arrays.copyOf(kernels, 2 * number);
      before = Arrays.copyOf(before, 2 * number);
      matchSet = Arrays.copyOf(matchSet, 2 * number);
      transitions = Arrays.copyOf(transitions, 2 * number * stride);
    }
    kernels[number] = Arrays.copyOf(scratch, kernelSize);
    before[number] = kernelBefore;
    matchSet[number] = sets.number(matched);
    Arrays.fill(transitions, number * stride, (number + 1) * stride, UNKNOWN);
    usedBytes += stateBytes();
    if (2 * states > index.length) {
      rehash();
    } else {
      enter(hash(matchSet[number]), number);
    }
    return number * stride;
  }

  private void enter(int hash, int number) {
    int mask = index.length - 1;
    int i = hash & mask;
    while (index[i] != 0) {
      i = i + 1 & mask;
    }
    index[i] = number + 1;
  }

  private void rehash() {
    index = new int[2 * index.length];
    int[] kept = scratch;
    int keptSize = kernelSize;
    int keptBefore = kernelBefore;
    for (int number = 0; number < states; number++) {
      scratch = kernels[number];
      kernelSize = scratch.length;
      kernelBefore = before[number];
      enter(hash(matchSet[number]), number);
    }
    scratch = kept;
    kernelSize = keptSize;
    kernelBefore = keptBefore;
  }

  /** Tries the patterns that the automaton only knows in widened form. */
  private int confirm(int found, long[] mask, byte[] b, int from, int to) {
    sets.copyTo(found, matched);
    boolean changed = false;
    for (int word = 0; word < mask.length; word++) {
      long candidates = matched[word] & mask[word];
      while (candidates != 0) {
        int pattern = word << 6 | Long.numberOfTrailingZeros(candidates);
        candidates &= candidates - 1;
        Backtracker backtracker = backtrackers[pattern];
        boolean isFound = backtracker.find(b, from, to);
        backtrackingSteps += backtracker.steps();
        if (!isFound) {
          overBudget += backtracker.ranOut() ? 1 : 0;
          matched[word] &= ~(1L << pattern);
          changed = true;
        }
      }
    }
    return changed ? sets.number(matched) : found;
  }
}
