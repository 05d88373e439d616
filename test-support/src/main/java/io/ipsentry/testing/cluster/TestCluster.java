package io.ipsentry.testing.cluster;

import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The control plane of a cluster without nodes: a real kube-apiserver on a real etcd, on loopback,
 * with RBAC and an audit log. There are no controllers: nothing is garbage-collected, a deleted
 * namespace stays in {@code Terminating}, pods stay {@code Pending}.
 *
 * <p>For tests with {@code @RequiresCluster}. Safe for any thread.
 */
public final class TestCluster implements AutoCloseable {
  /**
   * Below the range that Linux gives to outgoing connections: a stopped server's port stays free.
   */
  private static final int FIRST_PORT = 20_000;

  private static final int PORTS = 12_000;
  private static final int MAX_PORTS_TRIED = 100;

  /** A port may be taken between the look and the start. */
  private static final int MAX_STARTS = 3;

  /**
   * What is written to ConfigMaps stands in the audit log with its body, and so does whether
   * somebody may do something; of other requests, who and what.
   */
  private static final String AUDIT_POLICY =
      """
      apiVersion: audit.k8s.io/v1
      kind: Policy
      omitStages: [RequestReceived]
      rules:
      - level: Request
        verbs: [create, update, patch, delete]
        resources:
        - group: ""
          resources: [configmaps]
      - level: RequestResponse
        resources:
        - group: authorization.k8s.io
          resources: [subjectaccessreviews]
      - level: Metadata
      """;

  private final AtomicInteger namespaces = new AtomicInteger();
  private final Path directory;
  private final ServerProcess etcd;
  private final ServerProcess apiServer;
  private final URI uri;
  private final String token;
  private final Kubectl kubectl;
  private final Optional<CertificateAuthority> clients;

  private TestCluster(ClusterPrograms programs, Path directory) {
    this.directory = directory;
    int etcdPort = freePort();
    int etcdPeerPort = freePort();
    int port = freePort();
    uri = URI.create("https://127.0.0.1:" + port);
    URI etcdUri = URI.create("http://127.0.0.1:" + etcdPort);
    token = HexFormat.of().formatHex(new SecureRandom().generateSeed(16));
    Probe probe = new Probe(uri, token, certificate());
    // Without openssl the cluster has none, and only tests that need client certificates miss it.
    clients =
        Programs.find("openssl").map(ignored -> CertificateAuthority.create(directory, "clients"));
    write("tokens.csv", token + ",admin,admin,\"system:masters\"\n");
    write("service-account.key", serviceAccountKey());
    write("audit-policy.yaml", AUDIT_POLICY);
    etcd =
        new ServerProcess(
            "etcd",
            ServerCommands.etcd(programs, directory, etcdUri, etcdPeerPort),
            directory.resolve("etcd.log"),
            () -> Probe.isHealthy(etcdUri));
    apiServer =
        new ServerProcess(
            "kube-apiserver",
            ServerCommands.apiServer(
                programs, directory, etcdUri, port, clients.map(CertificateAuthority::certificate)),
            directory.resolve("kube-apiserver.log"),
            probe::isReady);
    kubectl = new Kubectl(programs.kubectl(), kubeconfig(), directory);
    try {
      etcd.start();
      apiServer.start();
      write("kubeconfig", kubeconfig(uri));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * The cluster that all tests of this JVM share; started by the first who asks, ended with the
   * JVM. Each test works in a {@link #newNamespace} of its own and leaves the servers running.
   *
   * @throws IllegalStateException if the programs are missing, or do not start
   */
  public static TestCluster shared() {
    return Shared.CLUSTER;
  }

  /**
   * Starts a cluster of the test's own, for one that stops its servers or measures them.
   *
   * @param directory empty; certificates, data and logs go there
   * @throws IllegalStateException if the programs are missing, or do not start
   */
  public static TestCluster start(Path directory) {
    ClusterPrograms programs =
        ClusterPrograms.find()
            .orElseThrow(() -> new IllegalStateException("declare @RequiresCluster on the test"));
    RuntimeException failure = new IllegalStateException("not tried");
    int attempt = 0;
    while (attempt++ < MAX_STARTS && !Thread.currentThread().isInterrupted()) {
      try {
        Path own = Files.createDirectory(directory.resolve("cluster-" + attempt));
        return new TestCluster(programs, own);
      } catch (IOException e) {
        throw new UncheckedIOException("cannot use " + directory, e);
      } catch (IllegalStateException e) {
        e.addSuppressed(failure);
        failure = e;
      }
    }
    throw failure;
  }

  /** Where the API server answers. */
  public URI uri() {
    return uri;
  }

  /** For any client: the administrator, who may do everything, in the namespace {@code default}. */
  public Path kubeconfig() {
    return directory.resolve("kubeconfig");
  }

  /** Like {@link #kubeconfig()}, for a client that reaches the API server through {@code proxy}. */
  public Path kubeconfig(TcpProxy proxy) {
    String name = "kubeconfig-" + proxy.port();
    write(name, kubeconfig(URI.create("https://127.0.0.1:" + proxy.port())));
    return directory.resolve(name);
  }

  /**
   * A certificate by which the API server knows a user, with its key.
   *
   * @param groups of the user
   * @throws IllegalStateException without openssl; declare it on the test
   */
  public CertificateAuthority.Issued clientCertificate(String user, String... groups) {
    CertificateAuthority authority =
        clients.orElseThrow(() -> new IllegalStateException("no such program: openssl"));
    StringBuilder subject = new StringBuilder(user);
    for (String group : groups) {
      subject.append("/O=").append(group);
    }
    synchronized (authority) {
      return authority.issue(subject.toString());
    }
  }

  /** PEM: who signs the API server's own certificate, which is itself. */
  public Path authority() {
    return certificate();
  }

  /** A network of the test's own to the API server, which the test may break and closes. */
  public TcpProxy proxy() {
    return TcpProxy.to(new InetSocketAddress(InetAddress.getLoopbackAddress(), uri.getPort()));
  }

  /** {@code kubectl} with {@link #kubeconfig()}. */
  public Kubectl kubectl() {
    return kubectl;
  }

  /** The API server. */
  public ServerProcess apiServer() {
    return apiServer;
  }

  /** Its store, of which it is the only client. */
  public ServerProcess etcd() {
    return etcd;
  }

  /**
   * Every request that has been answered: one JSON object (audit.k8s.io/v1 Event) a line, writes to
   * ConfigMaps and reviews of rights with their bodies.
   */
  public Path auditLog() {
    return directory.resolve("audit.log");
  }

  /**
   * What the API server answers to somebody who asks it without our credentials.
   *
   * @param path of a GET
   * @param headers as the client sends them
   * @return the status
   */
  public int ask(String path, Map<String, String> headers) {
    try {
      return new Probe(uri, token, certificate()).status(path, headers);
    } catch (IOException e) {
      throw new UncheckedIOException("the API server does not answer", e);
    }
  }

  /** Makes a namespace that nobody else uses, and returns its name. */
  public String newNamespace() {
    String name = "test-" + namespaces.incrementAndGet();
    String ignored = kubectl.run("create", "namespace", name);
    return name;
  }

  /** Kills both servers. */
  @Override
  public void close() {
    apiServer.close();
    etcd.close();
  }

  /** Self-signed by the API server at its first start. */
  private Path certificate() {
    return directory.resolve("certificates").resolve("apiserver.crt");
  }

  private void write(String name, String text) {
    try {
      Files.writeString(directory.resolve(name), text);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + name, e);
    }
  }

  private String kubeconfig(URI server) {
    return """
    apiVersion: v1
    kind: Config
    clusters:
    - name: test
      cluster: { server: "%s", certificate-authority-data: %s }
    users:
    - name: admin
      user: { token: %s }
    contexts:
    - name: test
      context: { cluster: test, user: admin, namespace: default }
    current-context: test
    """
        .formatted(server, base64(certificate()), token);
  }

  private static String base64(Path file) {
    try {
      return Base64.getEncoder().encodeToString(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  /** Signs the tokens of service accounts; PEM, PKCS#8. */
  private static String serviceAccountKey() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(2048);
      return "-----BEGIN PRIVATE KEY-----\n"
          + Base64.getMimeEncoder()
              .encodeToString(generator.generateKeyPair().getPrivate().getEncoded())
          + "\n-----END PRIVATE KEY-----\n";
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has RSA", e);
    }
  }

  private static int freePort() {
    RandomGenerator random = RandomGenerator.getDefault();
    for (int tried = 0; tried < MAX_PORTS_TRIED; tried++) {
      int port = FIRST_PORT + random.nextInt(PORTS);
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (IOException e) {
        // Taken: another.
      }
    }
    throw new IllegalStateException("no free port on loopback");
  }

  /** Made at the first use. */
  private static final class Shared {
    static final TestCluster CLUSTER = startShared();

    private static TestCluster startShared() {
      try {
        Path directory = Files.createTempDirectory("ip-sentry-cluster");
        TestCluster cluster = TestCluster.start(directory);
        Runtime.getRuntime()
            .addShutdownHook(
                new Thread(
                    () -> {
                      cluster.close();
                      deleteAll(directory);
                    },
                    "cluster-end"));
        return cluster;
      } catch (IOException e) {
        throw new UncheckedIOException("cannot make a temporary directory", e);
      }
    }
  }

  private static void deleteAll(Path directory) {
    try {
      Files.walkFileTree(
          directory,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.delete(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
                throws IOException {
              if (failure != null) {
                throw failure;
              }
              Files.delete(visited);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + directory, e);
    }
  }
}
