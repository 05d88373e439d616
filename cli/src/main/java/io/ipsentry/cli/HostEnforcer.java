package io.ipsentry.cli;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.enforcer.InstanceLock;
import io.ipsentry.enforcer.LeakCounter;
import io.ipsentry.enforcer.sync.EnforcementLoop;
import io.ipsentry.enforcer.sync.EnforcerStatus;
import io.ipsentry.enforcer.sync.NodeKernel;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.watcher.metrics.LatencyHistogram;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.time.InstantSource;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Bans in the kernel of this host: the lock of the name, and the loop. Safe for any thread. */
final class HostEnforcer implements AutoCloseable {
  private final InstanceLock lock;
  private final EnforcementLoop loop;
  private final LeakCounter leaks;
  private final LatencyHistogram delay = new LatencyHistogram();

  private HostEnforcer(
      InstanceLock lock,
      EnforcerConfig config,
      ActiveBans bans,
      BooleanSupplier areKnown,
      Supplier<ProtectedPrefixes> protection,
      Supplier<PrefixSet> feeds,
      InstantSource clock) {
    this.lock = lock;
    loop =
        new EnforcementLoop(
            config,
            new EnforcementLoop.Parts(
                bans,
                areKnown,
                () -> protection.get().prefixes(),
                feeds,
                wanted -> NodeKernel.open(wanted, clock),
                clock,
                System::nanoTime,
                delay::recordNanos));
    leaks = new LeakCounter(bans, loop);
  }

  /**
   * Begins to enforce as soon as the bans are known.
   *
   * @param feeds prefixes that are banned without an event each
   * @throws io.ipsentry.enforcer.InstanceLockException if another process does so by this name
   */
  static HostEnforcer start(
      EnforcerConfig config,
      ActiveBans bans,
      BooleanSupplier areKnown,
      Supplier<ProtectedPrefixes> protection,
      Supplier<PrefixSet> feeds,
      InstantSource clock) {
    InstanceLock lock =
        InstanceLock.take(InstanceLock.DIRECTORY, config.name(), config.hostBinaries());
    HostEnforcer enforcer =
        new HostEnforcer(lock, config, bans, areKnown, protection, feeds, clock);
    enforcer.loop.start();
    return enforcer;
  }

  /** An event was taken into the bans. */
  void event(BanEvent event) {
    loop.event(event);
  }

  /** The bans have become others as a whole. */
  void replaced() {
    loop.replaced();
  }

  /** The never-ban set, or a feed, has changed. */
  void protectionChanged() {
    loop.sparedChanged();
  }

  /** Goes by another configuration, but for the keys that {@link RestartKeys} names. */
  void reload(EnforcerConfig now) {
    loop.reload(now);
  }

  EnforcerStatus status() {
    return loop.status();
  }

  /** What came through although it is banned. */
  LeakCounter leaks() {
    return leaks;
  }

  /** Why not everything that was decided is enforced; empty: it is. */
  List<String> reasonsNotReady() {
    EnforcerStatus status = loop.status();
    if (status.failure().isPresent()) {
      return List.of("enforcer: " + status.failure().get().message());
    }
    return status.lastSync().isPresent()
        ? List.of()
        : List.of("enforcer: the kernel is not synchronised yet");
  }

  List<MetricSnapshot> metrics() {
    return EnforcerMetrics.of(loop.status(), delay, leaks.leaks());
  }

  @Override
  public void close() {
    try {
      loop.close();
    } finally {
      lock.close();
    }
  }
}
