package io.ipsentry.watcher;

import io.ipsentry.watcher.source.SourceStatus;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * What a running watcher does, as of a moment.
 *
 * @param startedAt when it began to read
 * @param sources in the order of the configuration
 * @param rules in the order of the configuration
 * @param trackedAddresses windows in memory: one for each rule and address with hits but no ban
 * @param trackedBytes memory they take
 * @param trackedBytesLimit its limit
 * @param evictions windows dropped to stay within the limit
 * @param refusedBans by the kind of what protects the address
 * @param appendFailures rounds in which the log of bans could not be written
 * @param logHead number of the last event of the log
 */
public record WatcherStatus(
    Instant startedAt,
    List<Source> sources,
    List<RuleStatus> rules,
    long trackedAddresses,
    long trackedBytes,
    long trackedBytesLimit,
    long evictions,
    Map<String, Long> refusedBans,
    long appendFailures,
    long logHead) {

  public WatcherStatus {
    sources = List.copyOf(sources);
    rules = List.copyOf(rules);
  }

  /**
   * A source.
   *
   * @param status its files, positions and rates
   * @param unmatched lines that are not of its format
   * @param hitLines lines that were a hit for a rule
   * @param withoutAddress lines that matched a rule but have no client address
   */
  public record Source(SourceStatus status, long unmatched, long hitLines, long withoutAddress) {}

  /**
   * A rule.
   *
   * @param hits that counted
   * @param belowFloor hits that did not: the address was banned then
   * @param bans appended
   * @param shadowBans that it would have made in shadow mode
   * @param refused bans that were not made because the address is protected
   * @param waiting candidates that wait for room under the limit of new bans now
   * @param deferred candidates that ever had to
   */
  public record RuleStatus(
      String name,
      boolean shadow,
      long hits,
      long belowFloor,
      long bans,
      long shadowBans,
      long refused,
      long waiting,
      long deferred) {}
}
