package io.ipsentry.kubernetes.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.ipsentry.kubernetes.ClusterClient;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ClusterClients;
import io.ipsentry.testing.CertificateAuthority;
import io.ipsentry.testing.RequiresCluster;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.cluster.Kubectl;
import io.ipsentry.testing.cluster.TcpProxy;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Users, tokens, certificates and rights of a real API server. */
@RequiresCluster
@RequiresProgram("openssl")
final class ReviewsIT {
  private static final String ROLES =
      """
      apiVersion: rbac.authorization.k8s.io/v1
      kind: Role
      metadata: { name: banner }
      rules: [{ apiGroups: [ip-sentry.io], resources: [bans], verbs: [get, create] }]
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: RoleBinding
      metadata: { name: banner }
      roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: banner }
      subjects:
      - { kind: ServiceAccount, name: operator }
      - { kind: Group, name: banners, apiGroup: rbac.authorization.k8s.io }
      """;

  @TempDir private Path directory;

  private final TestCluster cluster = TestCluster.shared();
  private final String namespace = cluster.newNamespace();
  private final Kubectl kubectl = cluster.kubectl().with("--namespace=" + namespace);
  private final KubernetesClient client = ClusterClient.of(cluster, namespace);
  private final AtomicLong nanos = new AtomicLong();

  @AfterEach
  void close() {
    client.close();
  }

  private static ClusterUser known(Authentication authentication) {
    assertThat(authentication).isInstanceOf(Authentication.Known.class);
    return ((Authentication.Known) authentication).user();
  }

  private static String unknown(Authentication authentication) {
    assertThat(authentication).isInstanceOf(Authentication.Unknown.class);
    return ((Authentication.Unknown) authentication).why();
  }

  private static List<X509Certificate> read(CertificateAuthority.Issued issued)
      throws IOException, CertificateException {
    try (InputStream in = Files.newInputStream(issued.certificate())) {
      return List.of(
          (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in));
    }
  }

  private void applyRoles() {
    kubectl.run("create", "serviceaccount", "operator");
    kubectl.feed(ROLES, "apply", "-f", "-");
  }

  // ---- tokens

  @Test
  void token_ofAServiceAccount_isItsUserWithItsGroups() {
    kubectl.run("create", "serviceaccount", "operator");
    TokenReviews reviews = new TokenReviews(client, List.of(), nanos::get);

    ClusterUser user = known(reviews.review(kubectl.run("create", "token", "operator").strip()));

    assertThat(user.name()).isEqualTo("system:serviceaccount:" + namespace + ":operator");
    assertThat(user.uid()).isNotEmpty();
    assertThat(user.groups())
        .contains("system:serviceaccounts:" + namespace, "system:authenticated");
  }

  @Test
  void token_madeUpOrForAnotherAudience_isUnknown() {
    kubectl.run("create", "serviceaccount", "operator");
    String own = kubectl.run("create", "token", "operator", "--audience=ip-sentry").strip();
    String plain = kubectl.run("create", "token", "operator").strip();
    TokenReviews any = new TokenReviews(client, List.of(), nanos::get);
    TokenReviews strict = new TokenReviews(client, List.of("ip-sentry"), nanos::get);

    assertThat(unknown(any.review("no-such-token"))).contains("does not know the token");
    assertThat(unknown(any.review(plain + "x"))).contains("does not know the token");
    assertThat(unknown(any.review(""))).contains("does not know the token");
    assertThat(unknown(any.review(own))).contains("does not know the token");
    assertThat(unknown(strict.review(plain))).contains("does not know the token");
    assertThat(known(strict.review(own)).name()).endsWith(":operator");
  }

  @Test
  void token_ofADeletedServiceAccount_isTakenForTenSecondsAtMost() {
    kubectl.run("create", "serviceaccount", "operator");
    String token = kubectl.run("create", "token", "operator").strip();
    TokenReviews reviews = new TokenReviews(client, List.of(), nanos::get);
    known(reviews.review(token));

    kubectl.run("delete", "serviceaccount", "operator");
    // The API server keeps its own answers for a while.
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () -> unknown(new TokenReviews(client, List.of(), nanos::get).review(token)));

    nanos.addAndGet(ReviewCache.YES.toNanos() - 1);
    known(reviews.review(token));
    nanos.addAndGet(1);
    unknown(reviews.review(token));
  }

  // ---- rights

  @Test
  void rights_ofAUser_areThoseOfItsRoleInThisNamespaceAlone() {
    applyRoles();
    String token = kubectl.run("create", "token", "operator").strip();
    ClusterUser user = known(new TokenReviews(client, List.of(), nanos::get).review(token));
    AccessReviews here = new AccessReviews(client, namespace, nanos::get);
    AccessReviews elsewhere = new AccessReviews(client, cluster.newNamespace(), nanos::get);

    assertThat(here.allows(user, "create")).isTrue();
    assertThat(here.allows(user, "get")).isTrue();
    assertThat(here.allows(user, "delete")).isFalse();
    assertThat(elsewhere.allows(user, "create")).isFalse();
  }

  @Test
  void rights_givenAndTaken_showWhenAnswersAreOld() {
    applyRoles();
    ClusterUser user =
        new ClusterUser("ann", "", List.of("banners", "system:authenticated"), Map.of());
    ClusterUser other = new ClusterUser("ann", "", List.of("others"), Map.of());
    AccessReviews reviews = new AccessReviews(client, namespace, nanos::get);

    assertThat(reviews.allows(user, "create")).isTrue();
    assertThat(reviews.allows(other, "create")).as("the same name, other groups").isFalse();

    kubectl.run("delete", "rolebinding", "banner");
    AccessReviews fresh = new AccessReviews(client, namespace, () -> System.nanoTime());
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> !fresh.allows(user, "delete") && !ask(user, "create"));
    assertThat(reviews.allows(user, "create")).isTrue();
    nanos.addAndGet(ReviewCache.YES.toNanos());
    assertThat(reviews.allows(user, "create")).isFalse();

    kubectl.feed(ROLES, "apply", "-f", "-");
    await().atMost(Duration.ofSeconds(30)).until(() -> ask(user, "get"));
    assertThat(reviews.allows(user, "create")).isFalse();
    nanos.addAndGet(ReviewCache.NO.toNanos());
    assertThat(reviews.allows(user, "create")).isTrue();
  }

  private boolean ask(ClusterUser user, String verb) {
    return new AccessReviews(client, namespace, nanos::get).allows(user, verb);
  }

  // ---- certificates

  @Test
  void certificate_ofTheClustersAuthority_isItsUserWithItsGroups()
      throws IOException, CertificateException {
    ClientCertificates certificates =
        new ClientCertificates(client, InstantSource.system(), nanos::get);

    ClusterUser user =
        known(certificates.look(read(cluster.clientCertificate("ann", "banners", "people"))));

    assertThat(user.name()).isEqualTo("ann");
    assertThat(user.groups()).containsExactly("banners", "people", "system:authenticated");
    // The API server sees the same user in it.
    assertThat(user.name())
        .isEqualTo(
            kubectl
                .run(
                    "auth",
                    "whoami",
                    "--kubeconfig=" + kubeconfig(cluster.clientCertificate("ann", "banners")),
                    "-o=jsonpath={.status.userInfo.username}")
                .strip());
  }

  private Path kubeconfig(CertificateAuthority.Issued issued) throws IOException {
    return Files.writeString(
        directory.resolve("kubeconfig-" + issued.certificate().getFileName()),
        """
        apiVersion: v1
        kind: Config
        clusters:
        - name: test
          cluster: { server: "%s", certificate-authority: %s }
        users:
        - name: user
          user: { client-certificate: %s, client-key: %s }
        contexts:
        - name: test
          context: { cluster: test, user: user }
        current-context: test
        """
            .formatted(cluster.uri(), cluster.authority(), issued.certificate(), issued.key()));
  }

  @Test
  void certificate_ofAnotherAuthorityOrOutOfDate_isUnknown()
      throws IOException, CertificateException {
    CertificateAuthority stranger = CertificateAuthority.create(directory, "clients");
    List<X509Certificate> own = read(cluster.clientCertificate("ann"));
    Instant later = Instant.now().plus(Duration.ofDays(40));

    assertThat(
            unknown(
                new ClientCertificates(client, InstantSource.system(), nanos::get)
                    .look(read(stranger.issue("ann")))))
        .contains("not signed by the cluster's authority");
    assertThat(unknown(new ClientCertificates(client, () -> later, nanos::get).look(own)))
        .contains("not valid now");
  }

  @Test
  void certificates_authorityRotated_areReadAgain() throws IOException, CertificateException {
    TestCluster alone = TestCluster.start(directory);
    try (KubernetesClient admin = ClusterClient.of(alone, "default")) {
      ClientCertificates certificates =
          new ClientCertificates(admin, InstantSource.system(), nanos::get);
      CertificateAuthority next = CertificateAuthority.create(directory, "next");
      List<X509Certificate> before = read(alone.clientCertificate("ann"));
      List<X509Certificate> after = read(next.issue("ann"));
      known(certificates.look(before));
      unknown(certificates.look(after));
      // A server of the control plane writes it otherwise: only a list with both is left alone.
      String both =
          Files.readString(next.certificate())
              + admin
                  .configMaps()
                  .inNamespace("kube-system")
                  .withName("extension-apiserver-authentication")
                  .get()
                  .getData()
                  .get("client-ca-file");
      admin
          .configMaps()
          .inNamespace("kube-system")
          .resource(
              new ConfigMapBuilder()
                  .withNewMetadata()
                  .withName("extension-apiserver-authentication")
                  .endMetadata()
                  .addToData("client-ca-file", both)
                  .build())
          .update();

      unknown(certificates.look(after));
      nanos.addAndGet(Duration.ofSeconds(5).toNanos());

      assertThat(known(certificates.look(after)).name()).isEqualTo("ann");
      known(certificates.look(before));
    } finally {
      alone.close();
    }
  }

  // ---- no answer

  @Test
  void reviews_byOneWhoMayNotAsk_areNoAnswerAndSayWhatToMend()
      throws IOException, CertificateException {
    kubectl.run("create", "serviceaccount", "nobody");
    Config config = Config.fromKubeconfig(cluster.kubeconfig().toFile());
    config.setOauthToken(kubectl.run("create", "token", "nobody").strip());
    config.setAutoOAuthToken(null);
    ClusterUser user = new ClusterUser("ann", "", List.of(), Map.of());
    List<X509Certificate> certificate = read(cluster.clientCertificate("ann"));
    try (KubernetesClient nobody = ClusterClients.of(config)) {
      assertThatThrownBy(() -> new TokenReviews(nobody, List.of(), nanos::get).review("a"))
          .isInstanceOf(ApiServerException.class)
          .hasMessageContaining("system:auth-delegator");
      assertThatThrownBy(() -> new AccessReviews(nobody, namespace, nanos::get).allows(user, "get"))
          .isInstanceOf(ApiServerException.class)
          .hasMessageContaining("system:auth-delegator");
      assertThatThrownBy(() ->
              new ClientCertificates(nobody, InstantSource.system(), nanos::get).look(certificate))
          .isInstanceOf(ApiServerException.class)
          .hasMessageContaining("extension-apiserver-authentication-reader");
    }
  }

  @Test
  void reviews_apiServerAway_areNoAnswerThatIsNotKept() {
    kubectl.run("create", "serviceaccount", "operator");
    String token = kubectl.run("create", "token", "operator").strip();
    TcpProxy proxy = cluster.proxy();
    try (KubernetesClient through = ClusterClient.of(cluster.kubeconfig(proxy), namespace)) {
      TokenReviews reviews = new TokenReviews(through, List.of(), nanos::get);
      proxy.loseReplies();
      assertThatThrownBy(() -> reviews.review(token))
          .isInstanceOf(ApiServerException.class)
          .hasMessageContaining("the API server does not answer");
      proxy.restore();
      known(reviews.review(token));
    } finally {
      proxy.close();
    }
  }
}
