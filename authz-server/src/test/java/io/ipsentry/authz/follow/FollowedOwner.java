package io.ipsentry.authz.follow;

import static org.awaitility.Awaitility.await;

import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanSnapshot;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.CompactedException;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.banlog.LogCompaction;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.proto.v1.GetStatusResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The owner of a log in a file, as {@code run} is: it serves, compacts, stops and comes back. */
final class FollowedOwner implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Time of the first event; each is a second later than the one before. */
  static final Instant T0 = Instant.parse("2026-01-01T00:00:00Z");

  /** As many events as compaction waits for. */
  static final int WORTH_COMPACTING = 10_000;

  private final Path socket;
  private SqliteBanLog log;
  private BanWriter writer;
  private @Nullable AdminServer server;

  FollowedOwner(Path store, Path socket) {
    this.socket = socket;
    log = SqliteBanLog.open(store);
    writer = writer();
  }

  private BanWriter writer() {
    return BanWriter.start(log, this::now, event -> {});
  }

  private Instant now() {
    return T0.plusSeconds(log.head() + 1);
  }

  /** Lets go of the log and takes another. */
  FollowedOwner reopen(Path store) {
    log.close();
    log = SqliteBanLog.open(store);
    writer = writer();
    return this;
  }

  /**
   * Appends bans of addresses of a network.
   *
   * @param net second byte of their addresses
   * @param length of each; null: permanent
   */
  FollowedOwner bans(int count, int net, @Nullable Duration length) {
    for (int done = 0; done < count; ) {
      List<BanEvent> events = new ArrayList<>();
      for (; done < count && events.size() < 5_000; done++) {
        IpPrefix ip = IpPrefix.ofV4(203 << 24 | net << 16 | done & 0xffff);
        Instant at = T0.plusSeconds(log.head() + events.size() + 1);
        events.add(ban(ip, at, length));
      }
      writer.write((state, now) -> events);
    }
    return this;
  }

  private static BanEvent.Ban ban(IpPrefix ip, Instant at, @Nullable Duration length) {
    Instant until = length == null ? null : at.plus(length);
    return new BanEvent.Ban(
        at, ip, until, "probing", "x".repeat(500), 3, SeenAs.PEER, "test", 1, at, null);
  }

  FollowedOwner serve() {
    return serve(true);
  }

  /**
   * Serves followers.
   *
   * @param snapshots false: as an older version that has none
   */
  FollowedOwner serve(boolean snapshots) {
    LogBanOperations operations =
        new LogBanOperations(log, log, writer, () -> ProtectedPrefixes.of(List.of()), this::now);
    AdminServer.Builder builder =
        AdminServer.builder(operations, GetStatusResponse::getDefaultInstance);
    server = (snapshots ? builder.snapshots(writer) : builder).start(socket);
    return this;
  }

  void stop() {
    Objects.requireNonNull(server).close();
    server = null;
  }

  /**
   * Deletes all events but the newest and those of bans that stand; at least {@link
   * #WORTH_COMPACTING} must have come since the last time.
   */
  void purge() {
    Instant then = now();
    try (LogCompaction _ =
        LogCompaction.start(log, writer, () -> Optional.of(Duration.ofMillis(1)), () -> then)) {
      await().atMost(PATIENCE).until(() -> firstKept() == log.head() + 1);
    }
  }

  /** Number of the first event from which all are kept. */
  long firstKept() {
    try {
      log.read(1, 1);
      return 1;
    } catch (CompactedException e) {
      return e.firstKept();
    }
  }

  long head() {
    return log.head();
  }

  List<SequencedEvent> events() {
    return log.read(1, WORTH_COMPACTING);
  }

  /** The state as bytes, for comparing. */
  byte[] state() {
    writer.catchUp();
    return bytes(writer.state());
  }

  static byte[] bytes(ActiveBans state) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      BanSnapshot.write(state, out);
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot be written", e);
    }
    return out.toByteArray();
  }

  @Override
  public void close() {
    if (server != null) {
      server.close();
    }
    log.close();
  }
}
