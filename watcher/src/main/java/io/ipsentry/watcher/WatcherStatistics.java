package io.ipsentry.watcher;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.watcher.metrics.RunStatistics;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A watcher's status in the form that the metrics are made of, with the count of reloads beside it.
 * Safe for any thread.
 */
public final class WatcherStatistics implements RunStatistics {
  private final Watcher watcher;
  private final ActiveBans state;
  private final InstantSource clock;
  private final AtomicLong reloads = new AtomicLong();
  private final AtomicLong failedReloads = new AtomicLong();
  private volatile boolean current = true;

  public WatcherStatistics(Watcher watcher, ActiveBans state, InstantSource clock) {
    this.watcher = watcher;
    this.state = state;
    this.clock = clock;
  }

  /** A changed configuration was put in force. */
  public void reloaded() {
    reloads.incrementAndGet();
    current = true;
  }

  /** A changed configuration was refused. */
  public void reloadRefused() {
    failedReloads.incrementAndGet();
    current = false;
  }

  /** Sources in the form that the metrics are made of. */
  static List<SourceStatistics> of(List<WatcherStatus.Source> sources) {
    return sources.stream()
        .map(source -> {
          Instant last = source.status().lastLineAt();
          return new SourceStatistics(
              source.status().name(),
              source.status().lines(),
              source.unmatched(),
              source.status().lagBytes(),
              last == null ? SourceStatistics.NO_LINE : last.toEpochMilli());
        })
        .toList();
  }

  @Override
  public List<SourceStatistics> sources() {
    return of(watcher.status().sources());
  }

  @Override
  public List<PodStatistics> pods() {
    return watcher.status().sources().stream()
        .flatMap(source ->
            source.status().pods().stream()
                .map(pods ->
                    new PodStatistics(
                        source.status().name(),
                        pods.containers(),
                        pods.streams(),
                        pods.reconnects(),
                        pods.repeatedLines(),
                        pods.gaps(),
                        pods.unreadLines(),
                        pods.notRead(),
                        pods.lagMillis() / 1e3,
                        pods.each().stream()
                            .map(each ->
                                new ContainerStatistics(
                                    each.container(),
                                    each.lines(),
                                    each.reconnects(),
                                    each.lagMillis() / 1e3))
                            .toList())))
        .toList();
  }

  @Override
  public List<RuleStatistics> rules() {
    return watcher.status().rules().stream()
        .map(rule -> new RuleStatistics(rule.name(), rule.hits(), rule.bans(), rule.waiting()))
        .toList();
  }

  @Override
  public Map<String, Long> refusedBans() {
    return watcher.status().refusedBans();
  }

  @Override
  public long activeBans() {
    return state.counts(clock.instant()).bans();
  }

  @Override
  public long trackedAddresses() {
    return watcher.status().trackedAddresses();
  }

  @Override
  public long trackedBytes() {
    return watcher.status().trackedBytes();
  }

  @Override
  public long evictions() {
    return watcher.status().evictions();
  }

  @Override
  public long logHead() {
    return state.head();
  }

  @Override
  public long configReloads() {
    return reloads.get();
  }

  @Override
  public long configReloadFailures() {
    return failedReloads.get();
  }

  @Override
  public boolean configCurrent() {
    return current;
  }
}
