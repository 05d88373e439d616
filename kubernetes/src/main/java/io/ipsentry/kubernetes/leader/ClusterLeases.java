package io.ipsentry.kubernetes.leader;

import io.fabric8.kubernetes.api.model.coordination.v1.Lease;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseSpec;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.ipsentry.kubernetes.api.ApiFailures;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The Lease {@code R-watcher} in the namespace of a client. Needs {@code get}, {@code create} and
 * {@code update} on it. Safe for any thread.
 */
final class ClusterLeases implements Leases {
  /** Where the holder is reached. */
  static final String ADDRESS = "ip-sentry.io/address";

  private final KubernetesClient client;
  private final String name;

  /**
   * @param client stays the caller's to close
   * @param release full name of the release
   */
  ClusterLeases(KubernetesClient client, String release) {
    this.client = client;
    this.name = name(release);
  }

  /** Name of the Lease of a release. */
  static String name(String release) {
    return release + "-watcher";
  }

  @Override
  public Optional<LeaseRecord> get() {
    return calling(
        "get",
        () -> Optional.ofNullable(client.leases().withName(name).get()).map(ClusterLeases::read));
  }

  @Override
  public LeaseRecord create(LeaseRecord lease) {
    return calling("create", () -> read(client.resource(write(lease)).create()));
  }

  @Override
  public LeaseRecord replace(LeaseRecord lease) {
    return calling("replace", () -> read(client.resource(write(lease)).update()));
  }

  private <T> T calling(String what, Supplier<T> call) {
    try {
      return call.get();
    } catch (KubernetesClientException e) {
      throw ApiFailures.of(what + " the Lease " + name, e);
    }
  }

  private Lease write(LeaseRecord lease) {
    return new LeaseBuilder()
        .withNewMetadata()
        .withName(name)
        .withLabels(Map.of("app.kubernetes.io/managed-by", "ip-sentry"))
        .withAnnotations(lease.address().map(address -> Map.of(ADDRESS, address)).orElse(null))
        .withResourceVersion(lease.version().isEmpty() ? null : lease.version())
        .endMetadata()
        .withNewSpec()
        .withHolderIdentity(lease.holder())
        .withLeaseDurationSeconds((int) Math.max(1, lease.length().toSeconds()))
        .withAcquireTime(zoned(lease.acquired()))
        .withRenewTime(zoned(lease.renewed()))
        .withLeaseTransitions(lease.transitions())
        .endSpec()
        .build();
  }

  private static ZonedDateTime zoned(Instant time) {
    return time.atZone(ZoneOffset.UTC);
  }

  /** Takes what people may have made of it, too: every field may be missing. */
  private static LeaseRecord read(Lease lease) {
    LeaseSpec spec = Objects.requireNonNullElseGet(lease.getSpec(), LeaseSpec::new);
    Map<String, String> annotations =
        Objects.requireNonNullElse(lease.getMetadata().getAnnotations(), Map.of());
    return new LeaseRecord(
        Objects.requireNonNullElse(spec.getHolderIdentity(), ""),
        Optional.ofNullable(annotations.get(ADDRESS)),
        Duration.ofSeconds(Objects.requireNonNullElse(spec.getLeaseDurationSeconds(), 0)),
        instant(spec.getAcquireTime()),
        instant(spec.getRenewTime()),
        Objects.requireNonNullElse(spec.getLeaseTransitions(), 0),
        Objects.requireNonNullElse(lease.getMetadata().getResourceVersion(), ""));
  }

  private static Instant instant(@Nullable ZonedDateTime time) {
    return time == null ? Instant.EPOCH : time.toInstant();
  }
}
