package io.ipsentry.watcher.metrics;

import java.util.List;
import java.util.Map;

/** Statistics with known numbers. */
record FixedStatistics(
    List<SourceStatistics> sources,
    List<PodStatistics> pods,
    List<RuleStatistics> rules,
    Map<String, Long> refusedBans)
    implements RunStatistics {

  @Override
  public long activeBans() {
    return 3;
  }

  @Override
  public long trackedAddresses() {
    return 1_000_000;
  }

  @Override
  public long trackedBytes() {
    return 64_000_000;
  }

  @Override
  public long evictions() {
    return 7;
  }

  @Override
  public long logHead() {
    return 42;
  }

  @Override
  public long configReloads() {
    return 2;
  }

  @Override
  public long configReloadFailures() {
    return 1;
  }

  @Override
  public boolean configCurrent() {
    return false;
  }
}
