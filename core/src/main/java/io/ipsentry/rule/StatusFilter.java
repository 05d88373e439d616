package io.ipsentry.rule;

import io.ipsentry.line.Relevance;
import io.ipsentry.rule.PathPattern.Mode;
import io.ipsentry.rule.RuleSet.CompiledRule;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which rules a status leaves possible, as bits: rule {@code i} of a matcher is bit {@code i}.
 *
 * <p>The rules from {@value #LAST_BIT} on share the last bit, which stands while one of them is
 * possible. Immutable; safe for any thread.
 */
final class StatusFilter {
  private static final int LAST_BIT = Long.SIZE - 1;

  private final long all;
  private final long needingPath;
  private final long @Nullable [] byStatus;
  private final long @Nullable [] byOriginStatus;

  StatusFilter(List<CompiledRule> rules) {
    long[] status = new long[StatusSet.MAX_STATUS + 1];
    long[] origin = new long[StatusSet.MAX_STATUS + 1];
    long free = 0;
    long every = 0;
    for (int i = 0; i < rules.size(); i++) {
      CompiledRule rule = rules.get(i);
      long bit = 1L << Math.min(i, LAST_BIT);
      every |= bit;
      free |= rule.needsPath() ? 0 : bit;
      for (int s = 0; s <= StatusSet.MAX_STATUS; s++) {
        status[s] |= statusAllows(rule, s) ? bit : 0;
        StatusSet wanted = rule.rule().match().originStatus();
        origin[s] |= wanted == null || wanted.contains(s) ? bit : 0;
      }
    }
    all = every;
    needingPath = every & ~free;
    byStatus = filters(status, every) ? status : null;
    byOriginStatus = filters(origin, every) ? origin : null;
  }

  private static boolean filters(long[] possible, long all) {
    return Arrays.stream(possible).anyMatch(bits -> bits != all);
  }

  private static boolean statusAllows(CompiledRule rule, int status) {
    Match match = rule.rule().match();
    StatusSet wanted = match.status();
    StatusSet ignored = rule.rule().ignore().status();
    // A path that ordinary software serves counts only with a client error.
    boolean pathPossible =
        !rule.needsPath()
            || match.paths().stream()
                .anyMatch(path -> path.mode() != Mode.ALLOW && path.countsWith(status));
    return (wanted == null || wanted.contains(status))
        && (ignored == null || !ignored.contains(status))
        && pathPossible;
  }

  /**
   * The rules that are possible with the statuses that are {@code known}, see {@link Relevance}.
   */
  long possible(int status, int originStatus, int known) {
    long possible = all;
    if ((known & Relevance.STATUS) != 0 && byStatus != null) {
      possible &= byStatus[status];
    }
    if ((known & Relevance.ORIGIN_STATUS) != 0 && byOriginStatus != null) {
      possible &= byOriginStatus[originStatus];
    }
    return possible;
  }

  /** Whether each of these rules needs one of its paths for a hit. */
  boolean allNeedPath(long rules) {
    return (rules & ~needingPath) == 0;
  }
}
