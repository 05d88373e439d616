package io.ipsentry.cli;

import io.ipsentry.authz.hits.HitServiceEndpoint;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.config.Config;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.kubernetes.duty.Duty;
import io.ipsentry.kubernetes.duty.DutyLoop;
import io.ipsentry.kubernetes.duty.DutyStatus;
import io.ipsentry.watcher.Watcher;
import io.ipsentry.watcher.WatcherStatistics;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a process does from the moment it leads until it does no more: reads the sources and counts,
 * on a thread of its own, and does the duties, each on one. Safe for any thread.
 */
final class LeaderTerm {
  private static final Logger logger = LoggerFactory.getLogger(LeaderTerm.class);

  private final Watcher watcher;
  private final WatcherStatistics statistics;
  private final HitServiceEndpoint hits;
  private final List<DutyLoop> duties;
  private final Thread reading;
  private final Consumer<String> failed;
  private volatile boolean ending;

  private LeaderTerm(
      Watcher watcher,
      ActiveBans state,
      List<Duty> duties,
      Consumer<String> failed,
      InstantSource clock) {
    this.watcher = watcher;
    this.failed = failed;
    statistics = new WatcherStatistics(watcher, state, clock);
    hits = new HitServiceEndpoint(watcher.ledger(), watcher);
    reading =
        Thread.ofPlatform()
            .name("watcher")
            .uncaughtExceptionHandler((_, cause) -> failed(cause))
            .unstarted(this::read);
    reading.start();
    this.duties = duties.stream().map(duty -> DutyLoop.start(duty, clock)).toList();
  }

  /**
   * Begins.
   *
   * @param duties closed when they have ended
   * @param failed is told why, should the reading end by itself
   * @throws BanLogException if the log or the checkpoints cannot be read
   */
  static LeaderTerm begin(
      Config config,
      ProtectedPrefixes protection,
      Watcher.Parts parts,
      List<Duty> duties,
      Consumer<String> failed) {
    try {
      Watcher watcher = new Watcher(ofWatcher(config), protection, parts);
      return new LeaderTerm(watcher, parts.writer().state(), duties, failed, parts.clock());
    } catch (IOException e) {
      throw BanLogException.permanent("the sources cannot be followed: " + e.getMessage(), e);
    }
  }

  /** Sources of nodes are read there. */
  private static Config ofWatcher(Config config) {
    return config.readBy(SourceConfig.Reader.WATCHER);
  }

  /** Another configuration is in force. */
  void reload(Config now) {
    watcher.reload(ofWatcher(now));
  }

  private void read() {
    watcher.begin();
    watcher.run();
    if (!ending) {
      logger.atInfo().log("all sources have ended");
    }
  }

  /** Whatever ended the reading: another process may do better. */
  private void failed(Throwable cause) {
    logger.atError().setCause(cause).log("the sources cannot be read any more");
    failed.accept(String.valueOf(cause.getMessage()));
  }

  Watcher watcher() {
    return watcher;
  }

  WatcherStatistics statistics() {
    return statistics;
  }

  HitServiceEndpoint hits() {
    return hits;
  }

  List<DutyStatus> duties() {
    return duties.stream().map(DutyLoop::status).toList();
  }

  /**
   * Ends the reading and the duties. A reader that waits for the API server to say what became of
   * its bans is waited for: the next term must not begin beside it.
   *
   * @param patience after which what it waits for is given up
   * @param giveUp makes the reader wait no longer; called only while the process ends
   */
  void end(Duration patience, Runnable giveUp) {
    ending = true;
    watcher.stop();
    duties.forEach(DutyLoop::stop);
    duties.forEach(DutyLoop::close);
    boolean interrupted = false;
    while (true) {
      try {
        if (reading.join(patience)) {
          break;
        }
        giveUp.run();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
