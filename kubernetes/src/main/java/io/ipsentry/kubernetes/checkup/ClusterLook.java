package io.ipsentry.kubernetes.checkup;

import io.fabric8.kubernetes.api.model.ConfigMapVolumeSource;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.KeyToPath;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.authorization.v1.SelfSubjectAccessReview;
import io.fabric8.kubernetes.api.model.authorization.v1.SelfSubjectAccessReviewBuilder;
import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReview;
import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReviewBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ClusterConfigMaps;
import io.ipsentry.kubernetes.checkup.ClusterFacts.GatewayService;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Lease;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Pod;
import io.ipsentry.kubernetes.checkup.ClusterFacts.Server;
import io.ipsentry.kubernetes.follow.LeaderAddress;
import io.ipsentry.kubernetes.protect.ProtectedConfigMap;
import io.ipsentry.kubernetes.tunnel.Kubeconfig;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Looks at a release and at the gateways of its cluster, with the rights of a person. Each question
 * is put to the API server when it is asked; none changes anything. For one thread.
 */
public final class ClusterLook implements AutoCloseable {
  /** Lines that are read of a gateway's log. */
  public static final int LOG_LINES = 500;

  private static final String CONFIG_FILE = "ip-sentry.yaml";
  private static final int FORBIDDEN = 403;
  private static final int NOT_FOUND = 404;
  private static final int METRICS_PORT = 9003;
  private static final int MAX_LOG_BYTES = 512 * 1024;
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final ResourceDefinitionContext POLICIES =
      new ResourceDefinitionContext.Builder()
          .withGroup("ip-sentry.io")
          .withVersion("v1alpha1")
          .withKind("BanPolicy")
          .withPlural("banpolicies")
          .withNamespaced(true)
          .build();

  /** How the pods of well-known gateways are labelled. */
  private static final List<Known> GATEWAYS =
      List.of(
          new Known("gateway.networking.k8s.io/gateway-name", "nginx"),
          new Known("gateway.envoyproxy.io/owning-gateway-name", "envoy"),
          new Known("app.kubernetes.io/name=traefik", "traefik"),
          new Known(
              "app.kubernetes.io/name=ingress-nginx,app.kubernetes.io/component=controller",
              "controller"));

  private final KubernetesClient client;
  private final String namespace;
  private final String release;
  private final InstantSource clock;

  private record Known(String selector, String container) {}

  private ClusterLook(
      KubernetesClient client, String namespace, String release, InstantSource clock) {
    this.client = client;
    this.namespace = namespace;
    this.release = release;
    this.clock = clock;
  }

  /** With the rights of a kubeconfig's user. Asks nothing yet. */
  public static ClusterLook open(
      Kubeconfig kubeconfig, String namespace, String release, InstantSource clock) {
    return new ClusterLook(kubeconfig.connect(namespace), namespace, release, clock);
  }

  /** The API server and its clock. */
  public Answer<Server> server() {
    return asking(() -> {
      HttpResponse<String> response = get("version");
      String version = client.getKubernetesVersion().getGitVersion();
      Instant theirs =
          response.headers("Date").stream()
              .findFirst()
              .map(ClusterLook::date)
              .orElseGet(clock::instant);
      return new Server(version, Duration.between(clock.instant(), theirs));
    });
  }

  private static Instant date(String text) {
    try {
      return ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
    } catch (DateTimeParseException e) {
      throw new KubernetesClientException("its time cannot be read: " + text, e);
    }
  }

  private HttpResponse<String> get(String path) {
    String base = client.getConfiguration().getMasterUrl();
    String url = (base.endsWith("/") ? base : base + "/") + path;
    try {
      HttpResponse<String> response =
          client
              .getHttpClient()
              .sendAsync(
                  client.getHttpClient().newHttpRequestBuilder().uri(url).build(), String.class)
              .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      if (!response.isSuccessful()) {
        throw new KubernetesClientException(
            path + ": " + response.code() + " " + response.message(), response.code(), null);
      }
      return response;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KubernetesClientException("interrupted", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new KubernetesClientException(path + " does not answer", e);
    }
  }

  /** The pods of the release. */
  public Answer<List<Pod>> pods() {
    return asking(() ->
        client
            .pods()
            .inNamespace(namespace)
            .withLabels(
                Map.of(
                    "app.kubernetes.io/name", "ip-sentry", "app.kubernetes.io/instance", release))
            .list()
            .getItems()
            .stream()
            .map(pod -> pod(pod, ""))
            .toList());
  }

  /** How many nodes there are. */
  public Answer<Integer> nodes() {
    return asking(() -> client.nodes().list().getItems().size());
  }

  /** Who leads. */
  public Answer<Optional<Lease>> lease(Duration serverAhead) {
    return asking(() ->
        Optional.ofNullable(
                client.leases().inNamespace(namespace).withName(release + "-watcher").get())
            .map(lease -> lease(lease, serverAhead)));
  }

  private Lease lease(
      io.fabric8.kubernetes.api.model.coordination.v1.Lease lease, Duration serverAhead) {
    ZonedDateTime renewed = lease.getSpec().getRenewTime();
    Instant now = clock.instant().plus(serverAhead);
    return new Lease(
        Objects.requireNonNullElse(lease.getSpec().getHolderIdentity(), ""),
        renewed == null ? Duration.ZERO : Duration.between(renewed.toInstant(), now),
        Duration.ofSeconds(
            Objects.requireNonNullElse(lease.getSpec().getLeaseDurationSeconds(), 0)),
        Optional.ofNullable(
            Objects.requireNonNullElse(
                    lease.getMetadata().getAnnotations(), Map.<String, String>of())
                .get(LeaderAddress.ANNOTATION)));
  }

  /** The gateways' pods that are known by their labels, in all namespaces. */
  public Answer<List<Pod>> gateways() {
    return asking(() -> {
      List<Pod> found = new ArrayList<>();
      for (Known known : GATEWAYS) {
        client
            .pods()
            .inAnyNamespace()
            .withLabelSelector(known.selector())
            .list()
            .getItems()
            .stream()
            .map(pod -> pod(pod, known.container()))
            .filter(pod -> found.stream().noneMatch(other -> isSame(pod, other)))
            .forEach(found::add);
      }
      return List.copyOf(found);
    });
  }

  /**
   * The pods that a source reads.
   *
   * @param selector of labels
   * @param container whose log is read; empty: those of all, each of which comes as a pod
   */
  public Answer<List<Pod>> selected(String in, String selector, Optional<String> container) {
    return asking(() ->
        client.pods().inNamespace(in).withLabelSelector(selector).list().getItems().stream()
            .flatMap(pod ->
                container
                    .map(Stream::of)
                    .orElseGet(() -> pod.getSpec().getContainers().stream().map(Container::getName))
                    .map(name -> pod(pod, name)))
            .toList());
  }

  /**
   * The configuration that a process of the release is given in a ConfigMap.
   *
   * @return empty: it has none of the name {@value #CONFIG_FILE}
   */
  public Answer<Optional<String>> configuration(Pod process) {
    return asking(() -> {
      io.fabric8.kubernetes.api.model.Pod pod =
          client.pods().inNamespace(process.namespace()).withName(process.name()).get();
      if (pod == null) {
        return Optional.empty();
      }
      return pod.getSpec().getVolumes().stream()
          .map(Volume::getConfigMap)
          .filter(Objects::nonNull)
          .flatMap(volume -> configuration(process.namespace(), volume).stream())
          .findFirst();
    });
  }

  private Optional<String> configuration(String in, ConfigMapVolumeSource volume) {
    Optional<String> key =
        volume.getItems().isEmpty()
            ? Optional.of(CONFIG_FILE)
            : volume.getItems().stream()
                .filter(item -> CONFIG_FILE.equals(item.getPath()))
                .map(KeyToPath::getKey)
                .findFirst();
    return key.flatMap(name ->
        Optional.ofNullable(client.configMaps().inNamespace(in).withName(volume.getName()).get())
            .map(map -> map.getData().get(name)));
  }

  private static boolean isSame(Pod one, Pod other) {
    return one.namespace().equals(other.namespace()) && one.name().equals(other.name());
  }

  private static Pod pod(io.fabric8.kubernetes.api.model.Pod pod, String container) {
    List<String> containers =
        pod.getSpec().getContainers().stream().map(Container::getName).toList();
    boolean ready =
        pod.getStatus() != null
            && pod.getStatus().getConditions().stream()
                .anyMatch(it -> it.getType().equals("Ready") && it.getStatus().equals("True"));
    int restarts =
        pod.getStatus() == null
            ? 0
            : pod.getStatus().getContainerStatuses().stream()
                .mapToInt(ContainerStatus::getRestartCount)
                .sum();
    Map<String, String> labels =
        Objects.requireNonNullElse(pod.getMetadata().getLabels(), Map.of());
    return new Pod(
        pod.getMetadata().getNamespace(),
        pod.getMetadata().getName(),
        labels.getOrDefault("app.kubernetes.io/component", ""),
        Objects.requireNonNullElse(pod.getSpec().getNodeName(), ""),
        Objects.requireNonNullElse(pod.getSpec().getServiceAccountName(), "default"),
        containers.contains(container) ? container : containers.getFirst(),
        ready && pod.getMetadata().getDeletionTimestamp() == null,
        restarts,
        pod.getSpec().getContainers().stream()
            .flatMap(of -> of.getPorts().stream())
            .filter(port -> "metrics".equals(port.getName()))
            .mapToInt(ContainerPort::getContainerPort)
            .findFirst()
            .orElse(METRICS_PORT),
        labels);
  }

  /** The Services that bring traffic from outside to some gateways. */
  public Answer<List<GatewayService>> services(List<Pod> gateways) {
    return asking(() -> {
      List<GatewayService> found = new ArrayList<>();
      for (String in : gateways.stream().map(Pod::namespace).distinct().sorted().toList()) {
        for (Service service : client.services().inNamespace(in).list().getItems()) {
          gatewayService(service, in, gateways).ifPresent(found::add);
        }
      }
      return List.copyOf(found);
    });
  }

  private static Optional<GatewayService> gatewayService(
      Service service, String in, List<Pod> gateways) {
    String type = String.valueOf(service.getSpec().getType());
    Map<String, String> selector =
        Objects.requireNonNullElse(service.getSpec().getSelector(), Map.of());
    List<Pod> pods =
        gateways.stream()
            .filter(pod -> pod.namespace().equals(in))
            .filter(pod -> pod.labels().entrySet().containsAll(selector.entrySet()))
            .toList();
    boolean outside = type.equals("LoadBalancer") || type.equals("NodePort");
    return !outside || selector.isEmpty() || pods.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new GatewayService(
                in,
                service.getMetadata().getName(),
                type,
                "Local".equals(service.getSpec().getExternalTrafficPolicy()),
                pods));
  }

  /** The last lines of a pod's log. */
  public Answer<List<String>> log(Pod pod) {
    return asking(() ->
        client
            .pods()
            .inNamespace(pod.namespace())
            .withName(pod.name())
            .inContainer(pod.container())
            .limitBytes(MAX_LOG_BYTES)
            .tailingLines(LOG_LINES)
            .getLog()
            .lines()
            .toList());
  }

  /** What a pod of the release says of itself under {@code /metrics}. */
  public Answer<String> metrics(Pod pod) {
    return asking(() ->
        get("api/v1/namespaces/"
                + pod.namespace()
                + "/pods/"
                + pod.name()
                + ":"
                + pod.metricsPort()
                + "/proxy/metrics")
            .body());
  }

  /** What the leader told must never be banned; empty: nothing was told yet. */
  public Answer<Optional<List<Part>>> protectedParts() {
    return asking(() -> new ProtectedConfigMap(new ClusterConfigMaps(client), release).read());
  }

  /** Whether a service account of the release has a right. */
  public Answer<Boolean> may(String serviceAccount, ComponentRight right) {
    return asking(() -> {
      SubjectAccessReview review =
          new SubjectAccessReviewBuilder()
              .withNewSpec()
              .withUser("system:serviceaccount:" + namespace + ":" + serviceAccount)
              .withGroups(
                  "system:serviceaccounts",
                  "system:serviceaccounts:" + namespace,
                  "system:authenticated")
              .withNewResourceAttributes()
              .withNamespace(right.namespace().orElse(null))
              .withGroup(right.group())
              .withResource(right.resource())
              .withSubresource(right.subresource().orElse(null))
              .withName(right.name().orElse(null))
              .withVerb(right.verb())
              .endResourceAttributes()
              .endSpec()
              .build();
      return client
          .authorization()
          .v1()
          .subjectAccessReview()
          .create(review)
          .getStatus()
          .getAllowed();
    });
  }

  /** Whether the person who asks has a right. */
  public Answer<Boolean> mayI(ComponentRight right) {
    return asking(() -> {
      SelfSubjectAccessReview review =
          new SelfSubjectAccessReviewBuilder()
              .withNewSpec()
              .withNewResourceAttributes()
              .withNamespace(right.namespace().orElse(null))
              .withGroup(right.group())
              .withResource(right.resource())
              .withSubresource(right.subresource().orElse(null))
              .withName(right.name().orElse(null))
              .withVerb(right.verb())
              .endResourceAttributes()
              .endSpec()
              .build();
      return client
          .authorization()
          .v1()
          .selfSubjectAccessReview()
          .create(review)
          .getStatus()
          .getAllowed();
    });
  }

  /** What the statuses of all BanPolicies say; none, where the cluster does not know them. */
  public Answer<List<PolicyFact>> policies() {
    return asking(() -> {
      try {
        return client
            .genericKubernetesResources(POLICIES)
            .inAnyNamespace()
            .list()
            .getItems()
            .stream()
            .map(PolicyFact::of)
            .sorted(Comparator.comparing(PolicyFact::name))
            .toList();
      } catch (KubernetesClientException e) {
        if (e.getCode() == NOT_FOUND) {
          return List.of();
        }
        throw e;
      }
    });
  }

  private static <T> Answer<T> asking(Supplier<T> question) {
    try {
      return new Answer.Told<>(question.get());
    } catch (KubernetesClientException e) {
      String why = e.getCode() == NOT_FOUND ? "it is not there" : String.valueOf(e.getMessage());
      return new Answer.Untold<>(why.strip(), e.getCode() == FORBIDDEN);
    } catch (ApiServerException e) {
      return new Answer.Untold<>(
          String.valueOf(e.getMessage()), e.reason() == ApiServerException.Reason.FORBIDDEN);
    } catch (BanLogException e) {
      return new Answer.Untold<>(String.valueOf(e.getMessage()), false);
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
