package io.ipsentry.kubernetes.leader;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.TestEvents;
import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.config.ClusterStoreConfig.LeaderConfig;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.kubernetes.blocklist.BlocklistDuty;
import io.ipsentry.kubernetes.duty.DutyLoop;
import io.ipsentry.kubernetes.log.KubernetesBanLog;
import io.ipsentry.kubernetes.log.LogUpkeep;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * A process of its own that appends, takes part in the election, and while it leads shows the
 * blocklist, carries out what people make of it, and compacts. Writes {@code ack SEQ REASON} for
 * each event of an append that has returned, and {@code leads} when it begins to lead. Tests kill
 * it.
 */
final class LeadingProcess {
  static final String RELEASE = "guard";
  static final String ACKNOWLEDGED = "ack ";
  static final String LEADS = "leads";
  private static final LeaseTimes TIMES = LeaseTimes.of(Duration.ofSeconds(1));
  private static final Duration BETWEEN_APPENDS = Duration.ofMillis(100);
  private static final LogUpkeep.Pace PACE =
      new LogUpkeep.Pace(
          20, 1 << 20, Duration.ofMinutes(1), Duration.ofMillis(300), Duration.ofSeconds(1));

  private final OutputStream out = new FileOutputStream(FileDescriptor.out);

  private LeadingProcess() {}

  /** Arguments: kubeconfig, namespace, name. Runs until it is killed. */
  public static void main(String[] args) {
    new LeadingProcess().run(Path.of(args[0]), args[1], args[2]);
  }

  private void run(Path kubeconfig, String namespace, String name) {
    InstantSource clock = InstantSource.system();
    KubernetesBanLog.Limits limits =
        new KubernetesBanLog.Limits(
            Duration.ofSeconds(1),
            KubernetesBanLog.Limits.DEFAULT.historyAge(),
            KubernetesBanLog.Limits.DEFAULT.historyBytes());
    ClusterStoreConfig config =
        new ClusterStoreConfig(
            RELEASE,
            Optional.of(namespace),
            Optional.of(kubeconfig),
            Optional.empty(),
            LeaderConfig.DEFAULT);
    try (ClusterConnection connection = ClusterConnection.open(config);
        KubernetesBanLog log =
            KubernetesBanLog.open(connection.configMaps(), RELEASE, name, limits, clock)) {
      BanWriter writer = BanWriter.start(log, clock, event -> {});
      try (BanLog.Subscription following = writer.follow();
          Leadership leadership =
              Leadership.of(
                      connection,
                      RELEASE,
                      name,
                      Optional.empty(),
                      TIMES,
                      new Leading(connection, log, writer, clock),
                      clock)
                  .start()) {
        for (int batch = 0; following != null && leadership != null; batch++) {
          String reason = name + '-' + batch;
          int count = 1 + batch % 2;
          try {
            if (writer.write((state, now) -> TestEvents.bans(reason, count))
                instanceof BanWriter.Outcome.Written written) {
              say(acknowledged(written.events()));
            }
          } catch (BanLogException e) {
            // Written together with what a duty wrote, whose term ended meanwhile: not
            // acknowledged.
            if (!e.isTransient()) {
              throw e;
            }
          }
          LockSupport.parkNanos(BETWEEN_APPENDS.toNanos());
        }
      }
    }
  }

  /** What the leader does here. */
  private final class Leading implements Leadership.Duties {
    private final ClusterConnection connection;
    private final KubernetesBanLog log;
    private final BanWriter writer;
    private final InstantSource clock;
    private List<DutyLoop> loops = List.of();

    Leading(
        ClusterConnection connection, KubernetesBanLog log, BanWriter writer, InstantSource clock) {
      this.connection = connection;
      this.log = log;
      this.writer = writer;
      this.clock = clock;
    }

    @Override
    public void begin() {
      loops =
          List.of(
              DutyLoop.start(
                  BlocklistDuty.of(
                      connection, RELEASE, log, writer, () -> ProtectedPrefixes.NONE, clock),
                  clock),
              DutyLoop.start(new LogUpkeep(log, writer, PACE, System::nanoTime), clock));
      say(LEADS + '\n');
    }

    @Override
    public void end() {
      loops.forEach(DutyLoop::close);
    }
  }

  private synchronized void say(String text) {
    try {
      out.write(text.getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw new UncheckedIOException("nobody listens", e);
    }
  }

  private static String acknowledged(List<SequencedEvent> events) {
    StringBuilder lines = new StringBuilder();
    for (SequencedEvent event : events) {
      lines
          .append(ACKNOWLEDGED)
          .append(event.seq())
          .append(' ')
          .append(TestEvents.reason(event.event()))
          .append('\n');
    }
    return lines.toString();
  }
}
