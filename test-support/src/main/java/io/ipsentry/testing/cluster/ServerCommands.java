package io.ipsentry.testing.cluster;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The command lines of the servers. */
final class ServerCommands {
  private ServerCommands() {}

  /** One member, on loopback, without TLS. */
  static List<String> etcd(ClusterPrograms programs, Path directory, URI clients, int peerPort) {
    String peers = "http://127.0.0.1:" + peerPort;
    return List.of(
        programs.etcd().toString(),
        "--name=default",
        "--data-dir=" + directory.resolve("etcd"),
        "--listen-client-urls=" + clients,
        "--advertise-client-urls=" + clients,
        "--listen-peer-urls=" + peers,
        "--initial-advertise-peer-urls=" + peers,
        "--initial-cluster=default=" + peers,
        "--log-level=warn");
  }

  /**
   * Reads the files that {@link TestCluster} has written into {@code directory}.
   *
   * @param clientCa who signs client certificates; empty: nobody
   */
  static List<String> apiServer(
      ClusterPrograms programs, Path directory, URI etcd, int port, Optional<Path> clientCa) {
    Path key = directory.resolve("service-account.key");
    List<String> command = new ArrayList<>();
    command.add(programs.apiServer().toString());
    command.addAll(
        List.of(
            "--etcd-servers=" + etcd,
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--secure-port=" + port,
            // As every cluster does.
            "--allow-privileged=true",
            "--cert-dir=" + directory.resolve("certificates"),
            "--service-cluster-ip-range=10.96.0.0/24"));
    command.addAll(
        List.of(
            "--token-auth-file=" + directory.resolve("tokens.csv"),
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=" + key,
            "--service-account-signing-key-file=" + key));
    command.addAll(
        List.of(
            "--audit-policy-file=" + directory.resolve("audit-policy.yaml"),
            "--audit-log-path=" + directory.resolve("audit.log"),
            // Not rotated before 4 GB: a test reads it whole.
            "--audit-log-maxsize=4096"));
    clientCa.ifPresent(file -> command.add("--client-ca-file=" + file));
    // There are no controllers: none makes the service account that a pod would have to wait for,
    // and nobody
    // may register a loopback address as the service "kubernetes".
    command.addAll(
        List.of("--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none"));
    return command;
  }
}
