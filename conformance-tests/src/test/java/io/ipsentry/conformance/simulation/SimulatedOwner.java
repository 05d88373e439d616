package io.ipsentry.conformance.simulation;

import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.authz.hits.HitServiceEndpoint;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.DelegatingBanLog;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.detection.HitLedger;
import io.ipsentry.detection.HitOwner;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.detection.RequestDetection;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.proto.v1.GetStatusResponse;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The process that owns the windows, as {@code run} wires it: an engine, a ledger of reported hits,
 * their checkpoint, the admin server. Its log is durable; all else a crash takes back to the last
 * checkpoint.
 */
final class SimulatedOwner implements AutoCloseable {
  final InMemoryBanLog log = new InMemoryBanLog();
  private final Path socket;
  private final ProtectedPrefixes protection;
  private byte[] checkpoint = new byte[0];
  private @Nullable Life life;
  private long repeated;

  SimulatedOwner(Path socket, ProtectedPrefixes protection) {
    this.socket = socket;
    this.protection = protection;
  }

  /** What one start of the process has in memory. */
  private final class Life implements HitOwner {
    final MortalLog mortal = new MortalLog(log);
    final BanWriter writer = BanWriter.start(mortal, () -> Simulated.NOW, event -> {});
    final HitLedger ledger = new HitLedger();
    final RequestDetection detection =
        RequestDetection.appending(Simulated.parts(protection), writer, (rules, hit) -> false);
    final HitServiceEndpoint hits = new HitServiceEndpoint(ledger, this);
    final LogBanOperations operations =
        new LogBanOperations(log, log, writer, () -> protection, () -> Simulated.NOW);
    final AdminServer server;

    Life() {
      readCheckpoint();
      detection.start();
      server =
          AdminServer.builder(operations, GetStatusResponse::getDefaultInstance)
              .service(hits)
              .snapshots(writer)
              .start(socket);
    }

    private void readCheckpoint() {
      if (checkpoint.length == 0) {
        return;
      }
      DataInputStream in = new DataInputStream(new ByteArrayInputStream(checkpoint));
      try {
        ledger.readFrom(in);
        detection.readFrom(in);
      } catch (IOException e) {
        throw new UncheckedIOException("the checkpoint cannot be read", e);
      }
    }

    void store() {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      DataOutputStream out = new DataOutputStream(bytes);
      ledger.pause();
      try {
        ledger.writeTo(out);
        detection.writeTo(out);
        checkpoint = bytes.toByteArray();
      } catch (IOException e) {
        throw new UncheckedIOException("memory cannot be written", e);
      } finally {
        ledger.resume();
      }
    }

    @Override
    public boolean take(List<ReportedHit> reported, LongConsumer settled) {
      reported.forEach(detection::reported);
      detection.whenSettled(settled);
      return true;
    }
  }

  Path socket() {
    return socket;
  }

  boolean isUp() {
    return life != null;
  }

  void start() {
    life = new Life();
  }

  /** Keeps what it knows for the next start, and tells its reporters. */
  void checkpoint() {
    life().store();
    life().ledger.stored();
  }

  /** Keeps what it knows, but nobody hears of it. */
  void checkpointUnheard() {
    life().store();
  }

  /** What is not in the log or the checkpoint is lost. */
  void crash() {
    life().mortal.dead = true;
    end();
  }

  /** Ends in order: reported hits are in the checkpoint, bans in the log. */
  void stop() {
    life().server.close();
    life().detection.close();
    checkpoint();
    end();
  }

  private void end() {
    Life ended = life();
    ended.server.close();
    ended.detection.close();
    repeated += ended.hits.statistics().repeated();
    life = null;
  }

  void unban(IpPrefix ip) {
    life().operations.unban(ip, "", "test");
  }

  ActiveBans state() {
    life().writer.catchUp();
    return life().writer.state();
  }

  /** Bans of which the log tells. */
  List<BanEvent.Ban> bans() {
    return log.read(1, Integer.MAX_VALUE).stream()
        .map(SequencedEvent::event)
        .filter(BanEvent.Ban.class::isInstance)
        .map(BanEvent.Ban.class::cast)
        .toList();
  }

  /** Hits that came again and were not counted, of all its lives. */
  long repeated() {
    return repeated + life().hits.statistics().repeated();
  }

  private Life life() {
    if (life == null) {
      throw new IllegalStateException("the owner is away");
    }
    return life;
  }

  @Override
  public void close() {
    if (life != null) {
      end();
    }
    log.close();
  }

  /** The log as a process sees it that has died: nothing of it gets in any more. */
  private static final class MortalLog extends DelegatingBanLog {
    volatile boolean dead;

    MortalLog(BanLog log) {
      super(log);
    }

    @Override
    public AppendResult append(long expectedHead, List<BanEvent> events) {
      if (dead) {
        throw BanLogException.transientFailure("the process has died");
      }
      return super.append(expectedHead, events);
    }

    @Override
    public void close() {
      dead = true;
    }
  }
}
