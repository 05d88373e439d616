package io.ipsentry.kubernetes.protect;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.kubernetes.api.ConfigMapFollower;
import io.ipsentry.kubernetes.duty.Duty;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The duty of finding what must never be banned, and of telling everybody: follows the addresses of
 * the cluster, and writes {@code R-protected} when something is another, within a second; and again
 * when somebody else has changed or deleted it.
 */
public final class ProtectedDuty implements Duty {
  /** How often it is looked what the ConfigMap says, should no watch have told. */
  private static final Duration VERIFY_INTERVAL = Duration.ofMinutes(1);

  /** A rollout changes many addresses one by one: what comes within this time is told together. */
  private static final Duration WRITE_INTERVAL = Duration.ofMillis(500);

  private static final Logger logger = LoggerFactory.getLogger(ProtectedDuty.class);

  private final ProtectedConfigMap map;
  private final ClusterAddresses addresses;
  private final Consumer<List<Part>> found;
  private final Supplier<ProtectedPrefixes> protection;
  private final LongSupplier nanoTicker;
  private volatile ClusterAddresses.@Nullable Following following;
  private @Nullable ConfigMapFollower<?> watching;

  /** Whether somebody wrote or deleted the ConfigMap, perhaps this process. */
  private volatile boolean touched;

  private List<Part> written = List.of();
  private long verifyAt;
  private long writeAt;

  /**
   * @param addresses of the cluster
   * @param found is told what they are, at first and whenever they change
   * @param protection what must not be banned at the moment, with what was found
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
    writeAt = verifyAt;
  }

  @Override
  public String name() {
    return "protection";
  }

  @Override
  public void step(Duration patience) throws InterruptedException {
    ClusterAddresses.Following running = following;
    if (running == null) {
      running = addresses.follow();
      following = running;
      watching = map.follow(this::touch);
    }
    if (isDue()) {
      write();
    }
    running.await(shorter(patience)).ifPresent(found);
    if (isDue()) {
      write();
    }
  }

  /** What must not be banned may have changed: it is told without waiting for anything else. */
  public void wake() {
    ClusterAddresses.Following running = following;
    if (running != null) {
      running.wake();
    }
  }

  private boolean isChanged() {
    return !protection.get().parts().equals(written);
  }

  private boolean isDue() {
    long now = nanoTicker.getAsLong();
    return now - writeAt >= 0 && (now - verifyAt >= 0 || touched || isChanged());
  }

  private void touch() {
    touched = true;
    wake();
  }

  private Duration shorter(Duration patience) {
    Duration rest = Duration.ofNanos(Math.max(1, writeAt - nanoTicker.getAsLong()));
    return (touched || isChanged()) && rest.compareTo(patience) < 0 ? rest : patience;
  }

  private void write() {
    List<Part> parts = protection.get().parts();
    // Before the look: whoever writes from here on is heard of again.
    touched = false;
    boolean done = false;
    try {
      if (map.write(parts)) {
        logger
            .atInfo()
            .addKeyValue("configMap", map.name())
            .addKeyValue("prefixes", protection.get().prefixes().prefixes().size())
            .log("what must never be banned is told to everybody");
      }
      done = true;
    } finally {
      if (!done) {
        touched = true;
      }
    }
    written = parts;
    long now = nanoTicker.getAsLong();
    verifyAt = now + VERIFY_INTERVAL.toNanos();
    writeAt = now + WRITE_INTERVAL.toNanos();
  }

  @Override
  public void close() {
    ConfigMapFollower<?> watched = watching;
    if (watched != null) {
      watched.close();
    }
    ClusterAddresses.Following running = following;
    if (running != null) {
      running.close();
    }
  }
}
