package io.ipsentry.kubernetes.blocklist;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.ManagedFieldsEntry;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.WatcherException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.ipsentry.kubernetes.blocklist.BlocklistStoreException.Kind;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The ConfigMap of the blocklist in a real cluster, in the namespace of a client.
 *
 * <p>Needs {@code get, list, watch, create, patch} on ConfigMaps and {@code create} on Events.
 * Updates as the field manager {@value #MANAGER}; who else wrote the document last is told by
 * {@code managedFields}.
 */
public final class ClusterBlocklist implements BlocklistStore {
  /** Name of our writes in {@code managedFields}. */
  public static final String MANAGER = "ip-sentry";

  private static final String DOCUMENT_FIELD = "f:" + DOCUMENT;
  private static final JsonFactory JSON = new JsonFactory();

  private final KubernetesClient client;
  private final String name;
  private final InstantSource clock;

  /**
   * @param client stays the caller's to close
   * @param release full name of the release; the ConfigMap is {@code <release>-blocklist}
   */
  public ClusterBlocklist(KubernetesClient client, String release, InstantSource clock) {
    this.client = client;
    this.name = release + "-blocklist";
    this.clock = clock;
  }

  @Override
  public Optional<Found> get() {
    return calling("get", () -> Optional.ofNullable(map().get()).map(ClusterBlocklist::read));
  }

  @Override
  public Found create(Map<String, String> data) {
    ConfigMap map =
        new ConfigMapBuilder()
            .withNewMetadata()
            .withName(name)
            .addToLabels("app.kubernetes.io/managed-by", "ip-sentry")
            .endMetadata()
            .withData(data)
            .build();
    return calling("create", () -> read(client.resource(map).create()));
  }

  @Override
  public Found update(Found found, Map<String, @Nullable String> data) {
    PatchContext how =
        new PatchContext.Builder()
            .withPatchType(PatchType.JSON_MERGE)
            .withFieldManager(MANAGER)
            .build();
    return calling("update", () -> read(map().patch(how, patch(found, data))));
  }

  /** A merge patch that the API server refuses for any other version. */
  private static String patch(Found found, Map<String, @Nullable String> data) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeObjectFieldStart("metadata");
      json.writeStringField("uid", found.uid());
      json.writeStringField("resourceVersion", found.version());
      json.writeEndObject();
      json.writeObjectFieldStart("data");
      for (Map.Entry<String, @Nullable String> entry : data.entrySet()) {
        // Null takes a key out.
        json.writeStringField(entry.getKey(), entry.getValue());
      }
      json.writeEndObject();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return text.toString();
  }

  @Override
  public Watching watch(String version, Watcher watcher) {
    ListOptions options =
        new ListOptionsBuilder()
            .withResourceVersion(version.isEmpty() ? null : version)
            .withAllowWatchBookmarks(true)
            .build();
    Relay relay = new Relay(watcher);
    Watch running = calling("watch", () -> map().watch(options, relay));
    return () -> {
      relay.mute();
      running.close();
    };
  }

  @Override
  public void tell(Found found, String text) {
    String now = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
    Event event =
        new EventBuilder()
            .withNewMetadata()
            // Of its own for each version: whoever carries the change out again tells it once.
            .withName(name + '.' + found.version())
            .endMetadata()
            .withNewInvolvedObject()
            .withApiVersion("v1")
            .withKind("ConfigMap")
            .withNamespace(client.getNamespace())
            .withName(name)
            .withUid(found.uid())
            .withResourceVersion(found.version())
            .endInvolvedObject()
            .withType("Warning")
            .withReason("EditRefused")
            .withMessage(text)
            .withNewSource()
            .withComponent(MANAGER)
            .endSource()
            .withFirstTimestamp(now)
            .withLastTimestamp(now)
            .withCount(1)
            .build();
    try {
      Event ignored = calling("tell about", () -> client.resource(event).create());
    } catch (BlocklistStoreException e) {
      if (e.kind() != Kind.CONFLICT) {
        throw e;
      }
      // It was told before.
    }
  }

  private Resource<ConfigMap> map() {
    return client.configMaps().withName(name);
  }

  private <T> T calling(String what, Supplier<T> call) {
    try {
      return call.get();
    } catch (KubernetesClientException e) {
      Kind kind =
          switch (e.getCode()) {
            case 409 -> Kind.CONFLICT;
            case 404 -> what.equals("update") ? Kind.CONFLICT : Kind.REFUSED;
            case 400, 401, 403, 405, 413, 415, 422 -> Kind.REFUSED;
            default -> Kind.UNAVAILABLE;
          };
      throw new BlocklistStoreException(
          kind, "cannot " + what + " the ConfigMap " + name + ": " + e.getMessage(), e);
    }
  }

  private static Found read(ConfigMap map) {
    return new Found(
        Objects.requireNonNullElse(map.getMetadata().getUid(), ""),
        Objects.requireNonNullElse(map.getMetadata().getResourceVersion(), ""),
        Objects.requireNonNullElse(map.getData(), Map.of()),
        author(map));
  }

  /** The last who wrote the document, but us; empty: that is not known. */
  private static String author(ConfigMap map) {
    return map.getMetadata().getManagedFields().stream()
        .filter(entry -> !MANAGER.equals(entry.getManager()))
        .filter(ClusterBlocklist::isOfDocument)
        .max(Comparator.comparing(entry -> Objects.requireNonNullElse(entry.getTime(), "")))
        .map(ManagedFieldsEntry::getManager)
        .orElse("");
  }

  private static boolean isOfDocument(ManagedFieldsEntry entry) {
    return entry.getFieldsV1() != null
        && entry.getFieldsV1().getAdditionalProperties().get("f:data") instanceof Map<?, ?> data
        && data.containsKey(DOCUMENT_FIELD);
  }

  /** Tells a watcher until it is muted. The client takes up a watch that was cut by itself. */
  private static final class Relay implements io.fabric8.kubernetes.client.Watcher<ConfigMap> {
    private final Watcher watcher;
    private boolean muted;

    Relay(Watcher watcher) {
      this.watcher = watcher;
    }

    synchronized void mute() {
      muted = true;
    }

    @Override
    public synchronized void eventReceived(Action action, ConfigMap map) {
      if (!muted) {
        switch (action) {
          case ADDED, MODIFIED -> watcher.changed(read(map));
          case DELETED -> watcher.deleted();
          case BOOKMARK, ERROR -> {}
        }
      }
    }

    @Override
    public void onClose(WatcherException cause) {
      onClose();
    }

    @Override
    public synchronized void onClose() {
      if (!muted) {
        muted = true;
        watcher.ended();
      }
    }
  }
}
