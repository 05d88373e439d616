package io.ipsentry.cli;

import io.ipsentry.authz.checks.CheckTeller;
import io.ipsentry.authz.hits.HitReportClient;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.FollowedLog;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigResult;
import io.ipsentry.config.ConfigWatcher;
import io.ipsentry.config.InlineRules;
import io.ipsentry.detection.DetectionCounters;
import io.ipsentry.detection.RequestDetection;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.watcher.Watcher;
import io.ipsentry.watcher.host.HostAddressFollower;
import io.ipsentry.watcher.host.HostAddressReader;
import io.ipsentry.watcher.host.HostAddresses;
import io.ipsentry.watcher.metrics.HealthServer;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything of {@code authz-server}, wired: the log that is followed into the bans of this
 * process, inline rules that count provisionally and report to whoever decides, servers for
 * gateways, metrics, reload of the configuration. What was opened last is closed first.
 */
final class AuthzRun implements AutoCloseable {
  /**
   * What is not decided on by then is lost; a rollout gives more, and so does {@link StopSignal}.
   */
  private static final Duration LAST_HITS = Duration.ofSeconds(12);

  private static final Duration LOOK_INTERVAL = Duration.ofMillis(100);

  /** Bytes of heap that a burst may leave for a moment. */
  private static final long BURST = 32L << 20;

  private static final Logger logger = LoggerFactory.getLogger(AuthzRun.class);

  private final OpenParts opened;
  private final Config started;
  private final AtomicReference<Config> config;
  private final AtomicReference<HostAddresses> addresses;
  private final AtomicReference<ProtectedPrefixes> protection;
  private final long jitterSeed = new SecureRandom().nextLong();
  private final BanPolicy policy;
  private final FollowedState followed;
  private final HitReportClient reporter;
  private final RequestDetection detection;
  private final DetectionCounters counters = new DetectionCounters(System::nanoTime);
  private final GatewayServers gateways;
  private final ConfigReloads reloads = new ConfigReloads();
  private final PolicedConfig policed;
  private final CountDownLatch stopped = new CountDownLatch(1);

  /** Whether what the state was read from has been collected. */
  private volatile boolean settled;

  /** Whether all that goes by a configuration is there. */
  private volatile boolean wired;

  private AuthzRun(Locations locations, FollowedState followed, Shell shell, OpenParts opened)
      throws IOException {
    this.opened = opened;
    InstantSource clock = shell.clock();
    Config first = locations.config();
    HostAddressReader addressReader = HostAddressReader.linux();
    started = first;
    policed = new PolicedConfig(first, this::apply);
    config = new AtomicReference<>(first);
    addresses = new AtomicReference<>(addressReader.read());
    protection = new AtomicReference<>(Protections.of(first, addresses.get()));
    policy = new BanPolicy(Watcher.policySettings(first, jitterSeed));
    this.followed = opened.add(followed);
    String name = UUID.randomUUID().toString();
    AtomicReference<HitReportClient.Reconciler> reconciler =
        new AtomicReference<>((lastHit, logHead) -> {});
    reporter =
        opened.add(
            new HitReportClient(
                new HitReportClient.Parts(
                    followed.hits(),
                    followed::connectNow,
                    name,
                    HitReportClient.DEFAULT_CAPACITY,
                    new SecureRandom(),
                    (lastHit, logHead) -> reconciler.get().reconciled(lastHit, logHead))));
    detection =
        opened.add(
            RequestDetection.provisional(
                    new RequestDetection.Parts(
                        RuleSet.compile(InlineRules.of(first)),
                        first.limits().trackedAddressesBytes(),
                        first.ipv6().countPrefix(),
                        policy,
                        protection.get(),
                        counters,
                        clock,
                        System::nanoTime,
                        nanos -> {}),
                    followed.bans(),
                    reporter)
                .start());
    reconciler.set(detection::reconciled);
    reporter.start();
    followed.follow(new Observed(policy), this::sparedChanged);
    gateways =
        opened.add(
            GatewayServers.start(
                    first,
                    new GatewayServers.Parts(
                        followed, protection::get, detection, this::reasonsNotReady, clock))
                .orElseThrow());
    opened.add(new CheckTeller(followed.hits(), name, gateways.recentChecks()).start());
    FollowerMetrics metrics =
        new FollowerMetrics(
            followed, reporter, detection, gateways::numbers, reloads, Version.text(), clock);
    if (first.metrics().isPresent()) {
      opened.add(
          HealthServer.start(
              Addresses.of(first.metrics().get()), metrics::collect, this::reasonsNotReady));
    }
    opened.add(
        HostAddressFollower.start(
            addresses.get(),
            addressReader::read,
            this::addressesChanged,
            HostAddressFollower.INTERVAL));
    wired = true;
    sparedChanged();
    followed.followPolicies(policed::policies);
    if (locations.configFile().isPresent()) {
      ConfigWatcher watcher = opened.add(new ConfigWatcher(locations.configFile().get()));
      watcher.start(this::configChanged);
    }
  }

  /** Shows the policy what the log tells. */
  private record Observed(BanPolicy policy) implements FollowedLog.Listener {
    @Override
    public void applied(SequencedEvent event) {
      policy.observe(event.event());
    }

    @Override
    public void replaced(ActiveBans state) {
      state.forEachRemembered(policy::observe);
    }
  }

  /** Opens everything, or nothing. */
  static AuthzRun open(Locations locations, FollowedState followed, Shell shell)
      throws IOException {
    OpenParts opened = new OpenParts();
    boolean ready = false;
    try {
      AuthzRun run = new AuthzRun(locations, followed, shell, opened);
      ready = true;
      return run;
    } finally {
      if (!ready) {
        opened.close();
      }
    }
  }

  /** Serves until the process is told to end. */
  void run() {
    StopSignal signal = StopSignal.install(stopped::countDown);
    logger
        .atInfo()
        .addKeyValue("version", Version.text())
        .addKeyValue("rules", detectionRules(config.get()).rules().size())
        .log("started");
    try {
      HeapGrowth heap = HeapGrowth.ofProcess(BURST, HeapGrowth.LONG_QUIET);
      boolean ready = false;
      while (!stopped.await(LOOK_INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
        heap.look();
        if (ready != followed.isSynced()) {
          if (!ready) {
            // What the state was read from; before the first request comes, for it takes a moment.
            heap.collect();
            settled = true;
          }
          ready = followed.isSynced();
          gateways.ready(ready);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      close();
      signal.done();
    }
  }

  private List<String> reasonsNotReady() {
    List<String> reasons = followed.reasonsNotReady();
    return reasons.isEmpty() && !settled
        ? List.of("heap: what the bans were read from is being collected")
        : reasons;
  }

  private static RuleSet detectionRules(Config config) {
    return RuleSet.compile(InlineRules.of(config));
  }

  private void addressesChanged(HostAddresses now) {
    addresses.set(now);
    protect();
  }

  private void sparedChanged() {
    if (wired) {
      policed.ranges(followed.protectedParts());
    }
    protect();
  }

  private synchronized void protect() {
    ProtectedPrefixes now =
        Protections.of(config.get(), addresses.get(), followed.protectedParts());
    protection.set(now);
    detection.protect(now);
  }

  private void configChanged(ConfigResult result) {
    reloads
        .take(result)
        .ifPresent(now -> {
          policed.base(now);
          RestartKeys.say(RestartKeys.OF_AUTHZ_SERVER, started, now);
          logger.atInfo().addKeyValue("rules", now.rules().size()).log("configuration in force");
        });
  }

  private void apply(Config now) {
    config.set(now);
    policy.reload(Watcher.policySettings(now, jitterSeed));
    protect();
    detection.reload(detectionRules(now));
    gateways.reload(now);
  }

  /**
   * Ends the servers, waits until the owner, who may just be another, has the last hits, and closes
   * the rest.
   */
  @Override
  public void close() {
    gateways.close();
    try {
      if (!reporter.awaitDecided(LAST_HITS)) {
        logger
            .atWarn()
            .addKeyValue("waiting", reporter.statistics().waiting())
            .log("the owner did not decide on the last hits in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    opened.close();
  }
}
