package io.ipsentry.kubernetes.protect;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.kubernetes.duty.Duty;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The duty of finding what must never be banned, and of telling everybody: reads the addresses of
 * the cluster now and then, and writes {@code R-protected} when something is another.
 */
public final class ProtectedDuty implements Duty {
  /** How often the cluster is listed. */
  public static final Duration CLUSTER_INTERVAL = Duration.ofMinutes(5);

  /** How often it is looked whether somebody changed or deleted the ConfigMap. */
  private static final Duration VERIFY_INTERVAL = Duration.ofMinutes(1);

  private static final Logger logger = LoggerFactory.getLogger(ProtectedDuty.class);

  private final ProtectedConfigMap map;
  private final ClusterAddresses addresses;
  private final Consumer<List<Part>> found;
  private final Supplier<ProtectedPrefixes> protection;
  private final LongSupplier nanoTicker;
  private List<Part> written = List.of();
  private long listAt;
  private long verifyAt;

  /**
   * @param addresses listed before this begins, too: the first listing here is an interval later
   * @param found is told what was listed
   * @param protection what must not be banned at the moment, with what was listed
   * @param nanoTicker elapsed time, nanoseconds
   */
  public ProtectedDuty(
      ProtectedConfigMap map,
      ClusterAddresses addresses,
      Consumer<List<Part>> found,
      Supplier<ProtectedPrefixes> protection,
      LongSupplier nanoTicker) {
    this.map = map;
    this.addresses = addresses;
    this.found = found;
    this.protection = protection;
    this.nanoTicker = nanoTicker;
    verifyAt = nanoTicker.getAsLong();
    listAt = verifyAt + CLUSTER_INTERVAL.toNanos();
  }

  @Override
  public String name() {
    return "protection";
  }

  @Override
  public void step(Duration patience) throws InterruptedException {
    long now = nanoTicker.getAsLong();
    if (now - listAt >= 0) {
      found.accept(addresses.read());
      listAt = now + CLUSTER_INTERVAL.toNanos();
    }
    List<Part> parts = protection.get().parts();
    if (now - verifyAt < 0 && parts.equals(written)) {
      Thread.sleep(patience);
      return;
    }
    if (map.write(parts)) {
      logger
          .atInfo()
          .addKeyValue("configMap", map.name())
          .addKeyValue("prefixes", protection.get().prefixes().prefixes().size())
          .log("what must never be banned is told to everybody");
    }
    written = parts;
    verifyAt = now + VERIFY_INTERVAL.toNanos();
  }
}
