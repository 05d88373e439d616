package io.ipsentry.kubernetes.blocklist;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.kubernetes.duty.Duty;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.Supplier;

/** The duty of showing the blocklist, and of carrying out what people make of it. */
public final class BlocklistDuty implements Duty {
  private final BlocklistProjection projection;

  private BlocklistDuty(BlocklistProjection projection) {
    this.projection = projection;
  }

  /**
   * The duty at the ConfigMap {@code R-blocklist}.
   *
   * @param release full name of the release
   * @param writer of the same log
   * @param protection what must not be banned, at the moment
   */
  public static BlocklistDuty of(
      ClusterConnection connection,
      String release,
      BanLog log,
      BanWriter writer,
      Supplier<ProtectedPrefixes> protection,
      InstantSource clock) {
    return new BlocklistDuty(
        new BlocklistProjection(
            new ClusterBlocklist(connection.client(), release, clock),
            log,
            writer,
            protection,
            clock,
            System::nanoTime));
  }

  @Override
  public String name() {
    return "blocklist";
  }

  @Override
  public void step(Duration patience) throws InterruptedException {
    try {
      projection.step(patience);
    } catch (BlocklistStoreException e) {
      throw BanLogException.transientFailure(String.valueOf(e.getMessage()), e);
    }
  }

  @Override
  public void close() {
    projection.close();
  }
}
