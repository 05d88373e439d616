package io.ipsentry.cli;

import com.google.protobuf.Duration;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.authz.hits.HitServiceEndpoint;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.proto.v1.ClusterStatus;
import io.ipsentry.proto.v1.ConfigStatus;
import io.ipsentry.proto.v1.EnforcerStatus;
import io.ipsentry.proto.v1.EngineStatus;
import io.ipsentry.proto.v1.FileStatus;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.HitIntakeStatus;
import io.ipsentry.proto.v1.LogStatus;
import io.ipsentry.proto.v1.RuleStatus;
import io.ipsentry.proto.v1.SourceStatus;
import io.ipsentry.sink.SinkStatus;
import io.ipsentry.watcher.Watcher;
import io.ipsentry.watcher.WatcherStatus;
import io.ipsentry.watcher.feed.FeedStatus;
import io.ipsentry.watcher.source.StreamStatus;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** What a running instance says of itself on the admin socket. Safe for any thread. */
final class RunStatus {
  private final Supplier<Optional<Watcher>> watcher;
  private final Instant startedAt;
  private final ActiveBans state;
  private final String store;
  private final Supplier<ConfigState> configState;
  private final Servers servers;
  private final InstantSource clock;

  /**
   * What the servers of the instance did.
   *
   * @param gateways empty: it serves none
   * @param hits that other processes reported
   * @param enforcer empty: it enforces nothing in the kernel
   * @param cluster empty: its log is not in a cluster
   * @param feeds that it fetches
   * @param sinks in the order of the configuration
   */
  record Servers(
      Supplier<Optional<GatewayNumbers>> gateways,
      Supplier<HitServiceEndpoint.Statistics> hits,
      Supplier<Optional<EnforcerStatus>> enforcer,
      Supplier<Optional<ClusterStatus>> cluster,
      Supplier<List<FeedStatus>> feeds,
      Supplier<List<SinkStatus>> sinks) {}

  /**
   * The configuration in force.
   *
   * @param file empty: what is built in
   * @param refused errors of a newer one that was refused; empty: none
   */
  record ConfigState(String file, Instant loadedAt, String refused) {
    ConfigState refused(String errors) {
      return new ConfigState(file, loadedAt, errors);
    }
  }

  /**
   * @param watcher empty: it reads nothing at the moment
   * @param store where the log is, for people
   */
  RunStatus(
      Supplier<Optional<Watcher>> watcher,
      ActiveBans state,
      String store,
      Supplier<ConfigState> configState,
      Servers servers,
      InstantSource clock) {
    this.watcher = watcher;
    this.state = state;
    this.store = store;
    this.configState = configState;
    this.servers = servers;
    this.clock = clock;
    startedAt = clock.instant();
  }

  GetStatusResponse report() {
    Optional<Watcher> reading = watcher.get();
    ActiveBans.Counts counts = state.counts(clock.instant());
    ConfigState config = configState.get();
    GetStatusResponse.Builder report =
        GetStatusResponse.newBuilder()
            .setVersion(Version.text())
            .setStartedAt(WireMessages.toProto(startedAt))
            .setLog(
                LogStatus.newBuilder()
                    .setHead(state.head())
                    .setActiveBans(counts.bans())
                    .setAllowed(counts.allows())
                    .setStore(store))
            .setConfig(
                ConfigStatus.newBuilder()
                    .setFile(config.file())
                    .setLoadedAt(WireMessages.toProto(config.loadedAt()))
                    .setRefused(config.refused()));
    reading.ifPresent(found -> detection(found.status(), report));
    servers
        .gateways()
        .get()
        .ifPresent(gateways ->
            report.setGateways(gateways.toProto(reading.map(Watcher::pendingBans).orElse(0))));
    HitServiceEndpoint.Statistics hits = servers.hits().get();
    report.setHitIntake(
        HitIntakeStatus.newBuilder()
            .setReporters(hits.reporters())
            .setHits(hits.hits())
            .setRepeated(hits.repeated()));
    servers.enforcer().get().ifPresent(report::setEnforcer);
    servers.cluster().get().ifPresent(report::setCluster);
    servers.feeds().get().forEach(feed -> report.addFeeds(FeedReport.toProto(feed)));
    servers.sinks().get().forEach(sink -> report.addSinks(SinkReport.toProto(sink)));
    return report.build();
  }

  private void detection(WatcherStatus status, GetStatusResponse.Builder report) {
    report.setEngine(
        EngineStatus.newBuilder()
            .setTrackedAddresses(status.trackedAddresses())
            .setTrackedBytes(status.trackedBytes())
            .setMaxTrackedBytes(status.trackedBytesLimit())
            .setEvicted(status.evictions()));
    status.sources().forEach(source -> report.addSources(source(source)));
    for (WatcherStatus.RuleStatus rule : status.rules()) {
      report.addRules(
          RuleStatus.newBuilder()
              .setName(rule.name())
              .setHits(rule.hits())
              .setBans(rule.bans())
              .setWaiting(rule.waiting())
              .setRefused(rule.refused()));
    }
  }

  private SourceStatus source(WatcherStatus.Source source) {
    SourceStatus.Builder message =
        SourceStatus.newBuilder()
            .setName(source.status().name())
            .setFormat(
                source.status().streams().stream()
                    .map(StreamStatus::format)
                    .filter(format -> !format.isEmpty())
                    .distinct()
                    .collect(Collectors.joining(",")))
            .setLines(source.status().lines())
            .setParsed(source.status().lines() - source.unmatched())
            .setMissed(source.unmatched())
            .setLinesPerSecond(source.status().linesPerSecond())
            .setError(String.join("; ", source.status().problems()));
    Instant last = source.status().lastLineAt();
    if (last != null) {
      // Nothing waits: read up to now. Else as old as what was read last.
      java.time.Duration lag =
          source.status().lagBytes() == 0
              ? java.time.Duration.ZERO
              : java.time.Duration.between(last, clock.instant());
      message.setLag(Duration.newBuilder().setSeconds(lag.getSeconds()).setNanos(lag.getNano()));
    }
    for (StreamStatus stream : source.status().streams()) {
      message.addFiles(
          FileStatus.newBuilder()
              .setPath(stream.label())
              .setPosition(stream.position())
              .setSize(stream.size()));
    }
    return message.build();
  }
}
