package io.ipsentry.pattern;

/**
 * Runs a {@link CapturingPattern} over byte ranges and tells where its groups are. Confined to one
 * thread; allocates only while its stack grows to what the longest input needs.
 */
public final class CaptureMatcher {
  private final Backtracker backtracker;
  private final int groups;
  private boolean found;
  private long overBudget;
  private long steps;

  CaptureMatcher(Backtracker backtracker, int groups) {
    this.backtracker = backtracker;
    this.groups = groups;
  }

  /**
   * Finds the first match in {@code b[from, to)}; the range is the whole text for {@code ^}, {@code
   * $} and {@code \b}.
   *
   * @return whether there is one; false too when the budget of steps was used up
   */
  public boolean find(byte[] b, int from, int to) {
    if (from < 0 || from > to || to > b.length) {
      throw new IndexOutOfBoundsException("range outside of the array");
    }
    found = backtracker.find(b, from, to);
    overBudget += backtracker.ranOut() ? 1 : 0;
    steps += backtracker.steps();
    return found;
  }

  /** Index in the array of a group's first byte; -1 if the group took no part in the match. */
  public int start(int group) {
    return slot(group, 2 * group);
  }

  /** Index in the array behind a group's last byte; -1 if the group took no part in the match. */
  public int end(int group) {
    return slot(group, 2 * group + 1);
  }

  /** How often the budget of steps was used up. */
  public long overBudget() {
    return overBudget;
  }

  /** Instructions that all searches took. */
  public long steps() {
    return steps;
  }

  private int slot(int group, int number) {
    if (!found) {
      throw new IllegalStateException("there is no match to ask about; find returned false");
    }
    if (group < 0 || group > groups) {
      throw new IndexOutOfBoundsException("no such group");
    }
    int end = backtracker.slot(2 * group + 1);
    int start = backtracker.slot(2 * group);
    return end < 0 || start < 0 ? -1 : backtracker.slot(number);
  }
}
