package io.ipsentry.kubernetes.api;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.ConfigMapList;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.MixedOperation;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** {@link ConfigMaps} of a real API server, in the namespace of a client. Safe for any thread. */
public final class ClusterConfigMaps implements ConfigMaps {
  /** Objects in an answer of a listing: with the largest entries 25 MiB. */
  private static final String PAGE = "100";

  /** A listing whose pages outlive what the API server keeps is begun again. */
  private static final int MAX_LISTINGS = 5;

  private final Supplier<KubernetesClient> client;
  private final ApiRequests requests;

  /**
   * @param client stays the caller's to close
   */
  public ClusterConfigMaps(KubernetesClient client) {
    this(
        new ApiRequests(
            client.getHttpClient(), String.valueOf(client.getMasterUrl()), client.getNamespace()),
        () -> client);
  }

  /**
   * @param requests what is read goes by them
   * @param client what is written goes by it; asked for when there is something to write
   */
  ClusterConfigMaps(ApiRequests requests, Supplier<KubernetesClient> client) {
    this.requests = requests;
    this.client = client;
  }

  @Override
  public StoredConfigMap create(StoredConfigMap map) {
    return calling("create " + map.name(), () -> read(client.get().resource(write(map)).create()));
  }

  @Override
  public Optional<StoredConfigMap> get(String name) {
    return requests.find(
        "get " + name,
        ApiRequests.CONFIG_MAPS,
        name,
        answer -> Answers.single(answer, ConfigMapReader::read));
  }

  @Override
  public StoredConfigMap replace(StoredConfigMap map) {
    return calling("replace " + map.name(), () -> read(client.get().resource(write(map)).update()));
  }

  @Override
  public void delete(StoredConfigMap map) {
    calling(
        "delete " + map.name(),
        () -> configMaps().withName(map.name()).lockResourceVersion(map.version()).delete());
  }

  @Override
  public Listing list(Selector selector, Predicate<String> wanted) {
    for (int attempt = 1; ; attempt++) {
      try {
        return listOnce(selector, wanted);
      } catch (ApiServerException e) {
        if (e.reason() != Reason.GONE || attempt == MAX_LISTINGS) {
          throw e;
        }
      }
    }
  }

  private Listing listOnce(Selector selector, Predicate<String> wanted) {
    List<StoredConfigMap> items = new ArrayList<>();
    ConfigMapReader.Items into = new ConfigMapReader.Items(wanted, items);
    Answers.Page page = page(selector, "", into);
    String version = page.version();
    while (!page.next().isEmpty()) {
      page = page(selector, page.next(), into);
    }
    return new Listing(items, version);
  }

  private Answers.Page page(Selector selector, String next, ConfigMapReader.Items into) {
    Map<String, String> query =
        next.isEmpty()
            ? Map.of("labelSelector", text(selector), "limit", PAGE)
            : Map.of("labelSelector", text(selector), "limit", PAGE, "continue", next);
    return requests.ask(
        "list " + selector.labels(),
        ApiRequests.CONFIG_MAPS,
        "",
        query,
        answer -> Answers.page(answer, into::read));
  }

  @Override
  public Changes watch(Selector selector, String version) {
    Map<String, String> query =
        Map.of(
            "labelSelector",
            text(selector),
            "watch",
            "true",
            "allowWatchBookmarks",
            "true",
            "resourceVersion",
            version);
    return WatchedChanges.of(
        version, requests.open("watch " + selector.labels(), ApiRequests.CONFIG_MAPS, "", query));
  }

  private MixedOperation<ConfigMap, ConfigMapList, Resource<ConfigMap>> configMaps() {
    return client.get().configMaps();
  }

  private static String text(Selector selector) {
    StringJoiner text = new StringJoiner(",");
    selector.labels().forEach((key, value) -> text.add(key + '=' + value));
    text.add(selector.key() + " in (" + String.join(",", selector.values()) + ')');
    return text.toString();
  }

  private static <T> T calling(String what, Supplier<T> call) {
    try {
      return call.get();
    } catch (KubernetesClientException e) {
      throw ApiFailures.of(what, e);
    }
  }

  private static ConfigMap write(StoredConfigMap map) {
    Map<String, String> binary = new HashMap<>();
    map.binary()
        .forEach((key, bytes) -> binary.put(key, Base64.getEncoder().encodeToString(bytes)));
    return new ConfigMapBuilder()
        .withNewMetadata()
        .withName(map.name())
        .withLabels(map.labels())
        .withResourceVersion(map.version().isEmpty() ? null : map.version())
        .endMetadata()
        .withData(map.data())
        .withBinaryData(binary.isEmpty() ? null : binary)
        .withImmutable(map.immutable() ? true : null)
        .build();
  }

  static StoredConfigMap read(ConfigMap map) {
    Map<String, byte[]> binary = new HashMap<>();
    Objects.requireNonNullElse(map.getBinaryData(), Map.<String, String>of())
        .forEach((key, text) -> binary.put(key, Base64.getDecoder().decode(text)));
    return new StoredConfigMap(
        map.getMetadata().getName(),
        Objects.requireNonNullElse(map.getMetadata().getLabels(), Map.of()),
        Objects.requireNonNullElse(map.getData(), Map.of()),
        binary,
        Boolean.TRUE.equals(map.getImmutable()),
        Objects.requireNonNullElse(map.getMetadata().getUid(), ""),
        Objects.requireNonNullElse(map.getMetadata().getResourceVersion(), ""));
  }
}
