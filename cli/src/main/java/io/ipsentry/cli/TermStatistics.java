package io.ipsentry.cli;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.watcher.metrics.RunStatistics;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Numbers of a process that detects only while it leads: those of detection begin anew with each
 * term, as at a restart, and are not there between them. Safe for any thread.
 */
final class TermStatistics implements RunStatistics {
  private final Supplier<Optional<LeaderTerm>> term;
  private final ActiveBans state;
  private final ConfigReloads reloads;
  private final InstantSource clock;

  TermStatistics(
      Supplier<Optional<LeaderTerm>> term,
      ActiveBans state,
      ConfigReloads reloads,
      InstantSource clock) {
    this.term = term;
    this.state = state;
    this.reloads = reloads;
    this.clock = clock;
  }

  private <T> T ofTerm(Function<RunStatistics, T> number, T otherwise) {
    return term.get().map(leading -> number.apply(leading.statistics())).orElse(otherwise);
  }

  @Override
  public List<SourceStatistics> sources() {
    return ofTerm(RunStatistics::sources, List.of());
  }

  @Override
  public List<PodStatistics> pods() {
    return ofTerm(RunStatistics::pods, List.of());
  }

  @Override
  public List<RuleStatistics> rules() {
    return ofTerm(RunStatistics::rules, List.of());
  }

  @Override
  public Map<String, Long> refusedBans() {
    return ofTerm(RunStatistics::refusedBans, Map.of());
  }

  @Override
  public long activeBans() {
    return state.counts(clock.instant()).bans();
  }

  @Override
  public long trackedAddresses() {
    return ofTerm(RunStatistics::trackedAddresses, 0L);
  }

  @Override
  public long trackedBytes() {
    return ofTerm(RunStatistics::trackedBytes, 0L);
  }

  @Override
  public long evictions() {
    return ofTerm(RunStatistics::evictions, 0L);
  }

  @Override
  public long logHead() {
    return state.head();
  }

  @Override
  public long configReloads() {
    return reloads.taken();
  }

  @Override
  public long configReloadFailures() {
    return reloads.refused();
  }

  @Override
  public boolean configCurrent() {
    return reloads.problem().isEmpty();
  }
}
