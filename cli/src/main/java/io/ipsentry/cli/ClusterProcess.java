package io.ipsentry.cli;

import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.config.Config;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;

/** What a process of a cluster is called, and where others reach it. */
final class ClusterProcess {
  private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

  private ClusterProcess() {}

  /** Name of the pod, else of the host, and what no other process has. */
  static String identity(Shell shell) {
    return shell.variable("POD_NAME").orElseGet(ClusterProcess::hostName) + '_' + UUID.randomUUID();
  }

  private static String hostName() {
    try {
      return Files.readString(HOST_NAME).strip();
    } catch (IOException e) {
      return "ip-sentry";
    }
  }

  /** Where others reach {@code admin.listen} of this process; empty: nowhere. */
  static Optional<String> address(ClusterStoreConfig cluster, Config config, Shell shell) {
    return cluster
        .leader()
        .advertise()
        .map(Object::toString)
        .or(() ->
            config
                .admin()
                .listen()
                .flatMap(listen ->
                    shell
                        .variable("POD_IP")
                        .map(
                            ip -> (ip.contains(":") ? "[" + ip + "]" : ip) + ":" + listen.port())));
  }
}
