package io.ipsentry.watcher.metrics;

import java.util.List;
import java.util.Map;

/**
 * What the running detection counts, read whenever somebody asks (a scrape, {@code status}).
 *
 * <p>Counts only grow as long as the process lives; other numbers are as of now. Safe for any
 * thread, and quick: it reads counters that exist, and never waits for detection. A count may be a
 * moment behind.
 */
public interface RunStatistics {

  /** One entry a configured source, in the order of the configuration. */
  List<SourceStatistics> sources();

  /** One entry a source of pods, in the order of the configuration. */
  default List<PodStatistics> pods() {
    return List.of();
  }

  /** One entry a rule, in the order of the configuration. */
  List<RuleStatistics> rules();

  /**
   * Bans that were refused, by reason: {@link io.ipsentry.ban.Protection.Kind#wireName()}, or
   * another constant. Reasons come from a closed set.
   */
  Map<String, Long> refusedBans();

  /** Bans that hold now. */
  long activeBans();

  /** Addresses whose hits are being counted. */
  long trackedAddresses();

  /** Memory of these, in bytes. */
  long trackedBytes();

  /** Addresses that were dropped because the budget was used up. */
  long evictions();

  /** Sequence number of the last event in the log of bans; 0 when it is empty. */
  long logHead();

  /** Times the configuration was read again and put in force. */
  long configReloads();

  /** Times a changed configuration was refused. */
  long configReloadFailures();

  /** False while the file on disk was refused and an older configuration is in force. */
  boolean configCurrent();

  /**
   * Counters of a source.
   *
   * @param name its name in the configuration; not the name of a file, of which a glob may see many
   * @param lines read
   * @param unmatched lines that its format does not know
   * @param lagBytes written to its files but not read yet
   * @param lastLineAtMillis when a line was read last, epoch milliseconds; {@link #NO_LINE} before
   *     the first
   */
  record SourceStatistics(
      String name, long lines, long unmatched, long lagBytes, long lastLineAtMillis) {
    /** Stands for a time of a line when there was none yet. */
    public static final long NO_LINE = Long.MIN_VALUE;
  }

  /**
   * Counters of a source of pods.
   *
   * @param name its name in the configuration
   * @param containers selected now
   * @param streams logs that are read now
   * @param reconnects logs asked for again after their connection had ended
   * @param repeatedLines lines that came again and were not counted
   * @param gaps times that lines may be missing
   * @param unreadLines lines without a stamp
   * @param notRead containers that are selected and not read
   * @param lagSeconds by how much the line that was read last is behind, where more waits
   * @param each of the containers that are read, in order of their names
   */
  record PodStatistics(
      String name,
      int containers,
      int streams,
      long reconnects,
      long repeatedLines,
      long gaps,
      long unreadLines,
      int notRead,
      double lagSeconds,
      List<ContainerStatistics> each) {
    public PodStatistics {
      each = List.copyOf(each);
    }
  }

  /**
   * Counters of one container of a source of pods, since it is read.
   *
   * @param container pod and container, with a slash between
   * @param lines delivered
   * @param reconnects as those of its source
   * @param lagSeconds as that of its source
   */
  record ContainerStatistics(String container, long lines, long reconnects, double lagSeconds) {}

  /**
   * Counters of a rule.
   *
   * @param name its name
   * @param hits counted
   * @param bans decided and appended
   * @param deferred candidates that wait because of {@code limits.maxNewBansPerMinute}
   */
  record RuleStatistics(String name, long hits, long bans, long deferred) {}
}
