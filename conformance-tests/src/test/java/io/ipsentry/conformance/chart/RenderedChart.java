package io.ipsentry.conformance.chart;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the chart rendered to. Immutable. */
public final class RenderedChart {
  private static final KubernetesSerialization SERIALIZATION = new KubernetesSerialization();

  private final String yaml;
  private final List<HasMetadata> objects;

  /**
   * Reads it.
   *
   * @param yaml all objects, a document each
   */
  public RenderedChart(String yaml) {
    this.yaml = yaml;
    Object parsed =
        SERIALIZATION.unmarshal(new ByteArrayInputStream(yaml.getBytes(StandardCharsets.UTF_8)));
    assertThat(parsed).isInstanceOf(Collection.class);
    objects = ((Collection<?>) parsed).stream().map(HasMetadata.class::cast).toList();
  }

  /** All objects, a document each. */
  public String yaml() {
    return yaml;
  }

  /** The objects, in the order of the text; of a kind that the client does not know, as maps. */
  public List<HasMetadata> objects() {
    return objects;
  }

  /** Those of one type. */
  public <T extends HasMetadata> List<T> all(Class<T> type) {
    return objects().stream().filter(type::isInstance).map(type::cast).toList();
  }

  /** The one of a type and a name. */
  public <T extends HasMetadata> T one(Class<T> type, String name) {
    return find(type, name)
        .orElseThrow(() -> new AssertionError("no " + type.getSimpleName() + " " + name));
  }

  /** The one of a type and a name, if there is one. */
  public <T extends HasMetadata> Optional<T> find(Class<T> type, String name) {
    return all(type).stream()
        .filter(object -> object.getMetadata().getName().equals(name))
        .findFirst();
  }

  /** The documents of the configuration by their keys in the ConfigMap. */
  public Map<String, String> configs() {
    return all(ConfigMap.class).stream()
        .filter(map -> map.getData().containsKey("ip-sentry.yaml"))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no configuration"))
        .getData();
  }

  /**
   * A document of the configuration.
   *
   * @param key {@code ip-sentry.yaml} (of the watchers), {@code authz-server.yaml} or {@code
   *     enforcer.yaml}
   */
  public String config(String key) {
    return Optional.ofNullable(configs().get(key))
        .orElseThrow(() -> new AssertionError("no " + key));
  }
}
