package io.ipsentry.config;

import io.ipsentry.config.ClusterStoreConfig.LeaderConfig;
import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads where the ban log is. */
final class StoreReader {
  private static final String FOR_EVER = "forever";

  /** So that names and labels stay within what Kubernetes takes. */
  private static final int MAX_RELEASE_CHARS = 53;

  private static final int MAX_NAMESPACE_CHARS = 63;
  private static final int MAX_SERVER_NAME_CHARS = 253;
  private static final Pattern DNS_LABEL = Pattern.compile("[a-z0-9]([a-z0-9-]*[a-z0-9])?");
  private static final Pattern DNS_NAME =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?");

  private final Path directory;

  /**
   * A reader.
   *
   * @param directory what relative paths start from
   */
  StoreReader(Path directory) {
    this.directory = directory;
  }

  Optional<StoreConfig> store(Value value) {
    return value.section(Keys.STORE).map(this::store);
  }

  private StoreConfig store(Section section) {
    Optional<Value> cluster = section.get("kubernetes");
    Path path = section.get("path").flatMap(this::path).orElse(StoreConfig.DEFAULT.path());
    @Nullable Duration keepByDefault =
        cluster.isPresent()
            ? ClusterStoreConfig.DEFAULT_KEEP_HISTORY
            : StoreConfig.DEFAULT.keepHistory();
    Optional<Value> keep = section.get("keepHistory");
    @Nullable Duration keepHistory =
        keep.isEmpty() ? keepByDefault : keepHistory(keep.get(), keepByDefault);
    if (cluster.isPresent() && section.has("path")) {
      section
          .get("path")
          .orElseThrow()
          .error("is beside kubernetes, but a log is in one place", "write one of them");
    }
    Optional<Path> checkpoints = section.get("checkpoints").flatMap(this::path);
    LeaderConfig leader =
        section
            .get("leader")
            .flatMap(value -> value.section(Keys.LEADER))
            .map(this::leader)
            .orElse(LeaderConfig.DEFAULT);
    if (cluster.isEmpty()) {
      for (String key : List.of("checkpoints", "leader")) {
        section
            .get(key)
            .ifPresent(given ->
                given.error(
                    "is for a log in a cluster, but there is no kubernetes",
                    "write kubernetes: {}, or remove it"));
      }
    }
    return new StoreConfig(
        path,
        keepHistory,
        cluster
            .flatMap(value -> value.section(Keys.STORE_KUBERNETES))
            .map(kubernetes -> cluster(kubernetes, checkpoints, leader))
            // What is written there and wrong must not make it a log in a file.
            .or(() -> cluster.map(_ -> ClusterStoreConfig.DEFAULT)));
  }

  /** A duration or {@code forever}, which is null. */
  private static @Nullable Duration keepHistory(Value value, @Nullable Duration byDefault) {
    if (value.text().filter(FOR_EVER::equals).isPresent()) {
      return null;
    }
    return value.duration(StoreConfig.MIN_KEEP_HISTORY, Durations.MAX).orElse(byDefault);
  }

  private ClusterStoreConfig cluster(
      Section section, Optional<Path> checkpoints, LeaderConfig leader) {
    return new ClusterStoreConfig(
        section
            .get("release")
            .flatMap(value -> dnsLabel(value, "a release", MAX_RELEASE_CHARS))
            .orElse(ClusterStoreConfig.DEFAULT_RELEASE),
        section
            .get("namespace")
            .flatMap(value -> dnsLabel(value, "a namespace", MAX_NAMESPACE_CHARS)),
        section.get("kubeconfig").flatMap(this::path),
        checkpoints,
        leader,
        section.get("banPolicies").flatMap(Value::truth).orElse(false));
  }

  private LeaderConfig leader(Section section) {
    LeaderConfig leader =
        new LeaderConfig(
            section.get("advertise").flatMap(StoreReader::advertise),
            section.get("ca").flatMap(this::path),
            section.get("serverName").flatMap(StoreReader::serverName),
            section.get("tokenFile").flatMap(this::path),
            section.get("insecure").flatMap(Value::truth).orElse(false),
            section
                .get("lease")
                .flatMap(value -> value.duration(LeaderConfig.MIN_LEASE, LeaderConfig.MAX_LEASE))
                .orElse(LeaderConfig.DEFAULT_LEASE));
    if (leader.insecure()) {
      for (String key : List.of("ca", "serverName")) {
        section
            .get(key)
            .ifPresent(given ->
                given.error("is for TLS, which insecure switches off", "remove one of them"));
      }
    }
    return leader;
  }

  private static Optional<ListenAddress> advertise(Value value) {
    Optional<ListenAddress> address = ListenReader.read(value, AdminReader.DEFAULT_PORT);
    boolean reachable =
        address.isEmpty() || address.get().port() != 0 && isOne(address.get().host());
    if (!reachable) {
      value.error(
          Problems.quoted(address.get().toString()) + " is nothing that others can connect to",
          "write the address and the port at which others reach admin.listen, such as"
              + " 192.0.2.7:"
              + AdminReader.DEFAULT_PORT);
    }
    return address.filter(_ -> reachable);
  }

  /** Whether it is the address of one host, not that of all. */
  private static boolean isOne(String host) {
    try {
      IpPrefix prefix = IpPrefix.parse(host);
      return (prefix.hi() | prefix.lo()) != 0 && !host.equals("0.0.0.0");
    } catch (InvalidAddressException e) {
      return host.equals("localhost");
    }
  }

  private static Optional<String> serverName(Value value) {
    Optional<String> name = value.text();
    if (name.isPresent()
        && (name.get().length() > MAX_SERVER_NAME_CHARS
            || !DNS_NAME.matcher(name.get()).matches())) {
      value.error(
          Problems.quoted(name.get()) + " is not the name of a server",
          "write a name that stands in the leader's certificate, such as"
              + " ip-sentry-watcher.default.svc");
      return Optional.empty();
    }
    return name;
  }

  private static Optional<String> dnsLabel(Value value, String what, int maxChars) {
    Optional<String> name = value.text();
    if (name.isPresent()
        && (name.get().length() > maxChars || !DNS_LABEL.matcher(name.get()).matches())) {
      value.error(
          Problems.quoted(name.get()) + " is not the name of " + what,
          "write 1 to " + maxChars + " of a-z, 0-9 and -, the latter not first or last");
      return Optional.empty();
    }
    return name;
  }

  private Optional<Path> path(Value value) {
    return ServiceReader.path(value, directory);
  }
}
