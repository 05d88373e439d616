package io.ipsentry.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * A ban log that is kept in a cluster, and how the process that leads there is reached.
 *
 * @param release full name of the release: what the names of its ConfigMaps and of its Lease begin
 *     with
 * @param namespace empty: that of the pod, else of the kubeconfig's context
 * @param kubeconfig empty: {@code $KUBECONFIG}, else {@code ~/.kube/config}, else the service
 *     account of the pod
 * @param checkpoints the SQLite file of this process for positions in its sources and windows;
 *     empty: they are not kept beyond the process
 * @param leader how the admin API of the leader is reached
 * @param banPolicies whether BanPolicies of the cluster are read
 */
public record ClusterStoreConfig(
    String release,
    Optional<String> namespace,
    Optional<Path> kubeconfig,
    Optional<Path> checkpoints,
    LeaderConfig leader,
    boolean banPolicies) {
  /** A cluster whose BanPolicies are not read. */
  public ClusterStoreConfig(
      String release,
      Optional<String> namespace,
      Optional<Path> kubeconfig,
      Optional<Path> checkpoints,
      LeaderConfig leader) {
    this(release, namespace, kubeconfig, checkpoints, leader, false);
  }

  /** The release when the configuration names none. */
  public static final String DEFAULT_RELEASE = "ip-sentry";

  /** How long events are kept when the configuration says nothing. */
  public static final Duration DEFAULT_KEEP_HISTORY = Duration.ofDays(30);

  /** Used when the configuration says nothing but that the log is in a cluster. */
  public static final ClusterStoreConfig DEFAULT =
      new ClusterStoreConfig(
          DEFAULT_RELEASE,
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          LeaderConfig.DEFAULT);

  /**
   * How the others reach the admin API of the leader.
   *
   * @param advertise where this process is reached when it leads, an address and a port; empty:
   *     {@code $POD_IP} and the port of {@code admin.listen}
   * @param ca PEM; signs the leader's certificate; empty: the JDK's
   * @param serverName what the leader's certificate is for, where that is not its address
   * @param tokenFile holds the token that this process shows; empty: the service account's
   * @param insecure whether the leader is spoken to without TLS
   * @param lease how long the lead is kept for a process that was not heard of
   */
  public record LeaderConfig(
      Optional<ListenAddress> advertise,
      Optional<Path> ca,
      Optional<String> serverName,
      Optional<Path> tokenFile,
      boolean insecure,
      Duration lease) {
    /** The lease when the configuration names none. */
    public static final Duration DEFAULT_LEASE = Duration.ofSeconds(15);

    /** Shortest lease: the API server must answer several times within it. */
    public static final Duration MIN_LEASE = Duration.ofSeconds(3);

    /** Longest lease: for so long nobody leads after a leader has died. */
    public static final Duration MAX_LEASE = Duration.ofMinutes(5);

    /** Used when the configuration says nothing. */
    public static final LeaderConfig DEFAULT =
        new LeaderConfig(
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            false,
            DEFAULT_LEASE);
  }
}
