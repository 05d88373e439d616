package io.ipsentry.enforcer.sync;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A loop over an in-memory kernel, with a clock that the test moves. */
final class LoopRig implements AutoCloseable {
  static final Duration INTERVAL = Duration.ofMillis(30);

  final AtomicLong now = new AtomicLong(1_800_000_000_000L);
  final ActiveBans bans = new ActiveBans();
  final AtomicBoolean known = new AtomicBoolean(true);
  final AtomicReference<PrefixSet> protectedPrefixes = new AtomicReference<>(PrefixSet.empty());
  final AtomicReference<PrefixSet> feeds = new AtomicReference<>(PrefixSet.empty());
  final InMemoryPacketFilter kernel = new InMemoryPacketFilter(this::instant);
  final EnforcementLoop loop;

  LoopRig(EnforcerConfig.OnExit onExit, Duration interval) {
    loop =
        new EnforcementLoop(
            config(EnforcerConfig.Ports.INBOUND, onExit, interval, ""),
            new EnforcementLoop.Parts(
                bans,
                known::get,
                protectedPrefixes::get,
                feeds::get,
                kernel::open,
                this::instant,
                System::nanoTime,
                nanos -> {}));
  }

  /** One that reads back often. */
  static LoopRig often() {
    return new LoopRig(EnforcerConfig.OnExit.KEEP, INTERVAL);
  }

  /** One whose read-backs are of no help to a test. */
  static LoopRig seldom() {
    return new LoopRig(EnforcerConfig.OnExit.KEEP, Duration.ofHours(1));
  }

  static EnforcerConfig config(
      EnforcerConfig.Ports ports, EnforcerConfig.OnExit onExit, Duration interval, String name) {
    EnforcerConfig defaults = EnforcerConfig.DEFAULT;
    return new EnforcerConfig(
        name,
        defaults.backend(),
        defaults.hook(),
        ports,
        defaults.verdict(),
        defaults.forwardedForPorts(),
        interval,
        onExit,
        defaults.hostBinaries());
  }

  Instant instant() {
    return Instant.ofEpochMilli(now.get());
  }

  void event(BanEvent event) {
    bans.apply(new SequencedEvent(bans.head() + 1, event));
    loop.event(event);
  }

  void ban(String ip, @Nullable Duration length) {
    ban(ip, length, SeenAs.PEER);
  }

  void ban(String ip, @Nullable Duration length, SeenAs seenAs) {
    event(
        new BanEvent.Ban(
            instant(),
            IpPrefix.parse(ip),
            length == null ? null : instant().plus(length),
            "probing",
            "",
            3,
            seenAs,
            "test",
            1,
            null,
            null));
  }

  void unban(String ip) {
    event(new BanEvent.Unban(instant(), IpPrefix.parse(ip), "test", ""));
  }

  void allow(String ip, @Nullable Duration length) {
    event(
        new BanEvent.Allow(
            instant(),
            IpPrefix.parse(ip),
            length == null ? null : instant().plus(length),
            "test",
            ""));
  }

  long end(Duration length) {
    return now.get() + length.toMillis();
  }

  @Override
  public void close() {
    loop.close();
  }
}
