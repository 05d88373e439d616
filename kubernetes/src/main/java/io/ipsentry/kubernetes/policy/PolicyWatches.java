package io.ipsentry.kubernetes.policy;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.kubernetes.api.ObjectWatch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Follows everything that policies are about. Safe for any thread. */
final class PolicyWatches implements AutoCloseable {
  private static final String UNREADABLE =
      "so policies there are not seen; let the service account list and watch them"
          + " (banPolicies.enabled of the chart), or set store.kubernetes.banPolicies: false";

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition told = lock.newCondition();
  private final List<ObjectWatch<GenericKubernetesResource, ?>> all = new ArrayList<>();
  private final ObjectWatch<GenericKubernetesResource, BanPolicyObject> policies;
  private final ObjectWatch<GenericKubernetesResource, GatewayObject> gateways;
  private final ObjectWatch<GenericKubernetesResource, RouteObject> routes;
  private final ObjectWatch<GenericKubernetesResource, Map.Entry<String, String>> classes;
  private final ObjectWatch<GenericKubernetesResource, Grant> grants;
  private final List<ObjectWatch<GenericKubernetesResource, AttachedObject>> attached =
      new ArrayList<>();
  private boolean news;

  /** Begins to follow; {@code connection} stays the caller's to close. */
  PolicyWatches(ClusterConnection connection) {
    KubernetesClient client = connection.client();
    policies =
        add(client, "BanPolicies", own("banpolicies", PolicyObjects.KIND), PolicyObjects::policy);
    gateways =
        add(client, "Gateways", gatewayApi("gateways", "Gateway", "v1"), PolicyObjects::gateway);
    routes =
        add(
            client,
            "HTTPRoutes",
            gatewayApi("httproutes", "HTTPRoute", "v1"),
            PolicyObjects::route);
    classes =
        add(
            client,
            "GatewayClasses",
            new ResourceDefinitionContext.Builder()
                .withGroup(PolicyObjects.GROUP)
                .withVersion("v1")
                .withKind("GatewayClass")
                .withPlural("gatewayclasses")
                .withNamespaced(false)
                .build(),
            PolicyObjects::gatewayClass);
    grants =
        add(
            client,
            "ReferenceGrants",
            gatewayApi("referencegrants", "ReferenceGrant", "v1beta1"),
            PolicyObjects::grant);
    for (AttachedKind kind : AttachedKind.values()) {
      attached.add(
          add(
              client,
              kind.plural(),
              context(kind),
              object -> PolicyObjects.attached(kind, object)));
    }
    all.forEach(ObjectWatch::start);
  }

  static ResourceDefinitionContext own(String plural, String kind) {
    return new ResourceDefinitionContext.Builder()
        .withGroup(PolicyObjects.OWN_GROUP)
        .withVersion(PolicyObjects.OWN_VERSION)
        .withKind(kind)
        .withPlural(plural)
        .withNamespaced(true)
        .build();
  }

  static ResourceDefinitionContext gatewayApi(String plural, String kind, String version) {
    return new ResourceDefinitionContext.Builder()
        .withGroup(PolicyObjects.GROUP)
        .withVersion(version)
        .withKind(kind)
        .withPlural(plural)
        .withNamespaced(true)
        .build();
  }

  static ResourceDefinitionContext context(AttachedKind kind) {
    return new ResourceDefinitionContext.Builder()
        .withGroup(kind.group())
        .withVersion(kind.version())
        .withKind(kind.kind())
        .withPlural(kind.plural())
        .withNamespaced(true)
        .build();
  }

  private <V> ObjectWatch<GenericKubernetesResource, V> add(
      KubernetesClient client,
      String what,
      ResourceDefinitionContext context,
      Function<GenericKubernetesResource, V> extract) {
    ObjectWatch<GenericKubernetesResource, V> watch =
        new ObjectWatch<>(
            new ObjectWatch.Kind<>(
                what,
                false,
                UNREADABLE,
                context.isNamespaceScoped()
                    ? ObjectWatch.Source.of(
                        client.genericKubernetesResources(context).inAnyNamespace())
                    : ObjectWatch.Source.of(client.genericKubernetesResources(context)),
                extract),
            this::changed);
    all.add(watch);
    return watch;
  }

  private void changed() {
    lock.lock();
    try {
      news = true;
      told.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for a change.
   *
   * @return whether there was one, and everything was listed once
   */
  boolean await(Duration patience) throws InterruptedException {
    lock.lock();
    try {
      long left = patience.toNanos();
      boolean ready = news && isSettled();
      // News before everything was listed stay news: whoever came back for them at once would spin.
      while (!ready && left > 0) {
        left = told.awaitNanos(left);
        ready = news && isSettled();
      }
      if (ready) {
        news = false;
      }
      return ready;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether everything was listed once. Of gateways' own kinds some may not be listed; without the
   * others it would look as if there were no policies and nothing to attach them to.
   */
  boolean isSettled() {
    return all.stream().allMatch(ObjectWatch::isSettled)
        && Stream.of(policies, gateways, routes, classes, grants)
            .noneMatch(ObjectWatch::isForbidden);
  }

  /** What there is. */
  ClusterView view() {
    return ClusterView.of(
        policies.values(),
        gateways.values(),
        routes.values(),
        classes.values().stream().collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)),
        grants.values(),
        attached.stream().flatMap(watch -> watch.values().stream()).toList());
  }

  @Override
  public void close() {
    all.forEach(ObjectWatch::close);
  }
}
