package io.ipsentry.kubernetes.log;

import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.SnapshotBytes;
import io.ipsentry.kubernetes.duty.Duty;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The duty of keeping a log short: a snapshot when enough lies behind the last one, and after its
 * grace what the snapshot has in it is archived and deleted.
 */
public final class LogUpkeep implements Duty {
  private static final Logger logger = LoggerFactory.getLogger(LogUpkeep.class);

  private final KubernetesBanLog log;
  private final BanWriter writer;
  private final Pace pace;
  private final LongSupplier nanoTicker;
  private long lookAt;
  private long compactedAt;
  private long sweepAt;

  /**
   * When something is done. A process that starts lists what lies above the floor: so that stays
   * small, whatever the bans cost to write.
   *
   * @param entries ConfigMaps above the floor that are worth a snapshot
   * @param bytes events above the floor that are worth one
   * @param atLeast however little there is, that is so old
   * @param look how often this is looked at; nothing is asked for it
   * @param sweep how often what is old is deleted
   */
  public record Pace(long entries, long bytes, Duration atLeast, Duration look, Duration sweep) {
    /** 1,000 ConfigMaps or 768 KiB, 6 hours; looks each 10 s, sweeps each 20 minutes. */
    public static final Pace DEFAULT =
        new Pace(
            1_000, 768 * 1024, Duration.ofHours(6), Duration.ofSeconds(10), Duration.ofMinutes(20));
  }

  /**
   * @param writer of the same log
   * @param nanoTicker elapsed time, nanoseconds
   */
  public LogUpkeep(KubernetesBanLog log, BanWriter writer, Pace pace, LongSupplier nanoTicker) {
    this.log = log;
    this.writer = writer;
    this.pace = pace;
    this.nanoTicker = nanoTicker;
    long now = nanoTicker.getAsLong();
    lookAt = now;
    compactedAt = now;
    sweepAt = now;
  }

  @Override
  public String name() {
    return "compaction";
  }

  @Override
  public void step(Duration patience) throws InterruptedException {
    long now = nanoTicker.getAsLong();
    if (now - lookAt >= 0) {
      lookAt = now + pace.look().toNanos();
      compactIfDue(now);
      if (now - sweepAt >= 0) {
        sweepAt = now + pace.sweep().toNanos();
        sweep();
      }
      return;
    }
    Thread.sleep(Math.min(patience.toMillis(), (lookAt - now) / 1_000_000 + 1));
  }

  private void compactIfDue(long now) {
    KubernetesBanLog.Backlog backlog = log.backlog();
    boolean isDue =
        backlog.entries() >= pace.entries()
            || backlog.bytes() >= pace.bytes()
            || backlog.entries() > 0 && now - compactedAt >= pace.atLeast().toNanos();
    if (isDue) {
      SnapshotBytes snapshot = writer.snapshot();
      if (log.compact(snapshot)) {
        compactedAt = nanoTicker.getAsLong();
      }
    }
  }

  /**
   * @throws BanLogException if the API server fails; the next call goes on
   */
  private void sweep() {
    int deleted = log.sweep();
    if (deleted > 0) {
      logger.atInfo().addKeyValue("configMaps", deleted).log("compacted parts of the log deleted");
    }
  }
}
