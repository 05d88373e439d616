package io.ipsentry.kubernetes.api;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.EventBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leaves notes for people at ConfigMaps, which {@code kubectl describe} and {@code kubectl events}
 * show. Needs {@code create} on Events. Safe for any thread.
 */
public final class ClusterEvents {
  /** What the API server takes of a note. */
  private static final int MAX_BYTES = 1_024;

  private static final Logger logger = LoggerFactory.getLogger(ClusterEvents.class);

  private final KubernetesClient client;
  private final InstantSource clock;

  /**
   * @param connection stays the caller's to close
   */
  public ClusterEvents(ClusterConnection connection, InstantSource clock) {
    this.client = connection.client();
    this.clock = clock;
  }

  /**
   * Warns people, if that can be done; it stands in our own log lines, too.
   *
   * @param configMap name of what it is about
   * @param reason one word, such as {@code LogFull}
   * @param text what is wrong and what to do; cut after 1,024 bytes
   */
  public void warn(String configMap, String reason, String text) {
    String now = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
    try {
      ConfigMap about = client.configMaps().withName(configMap).get();
      Event event =
          new EventBuilder()
              .withNewMetadata()
              .withName(
                  configMap
                      + '.'
                      + reason.toLowerCase(Locale.ROOT)
                      + '.'
                      + Long.toHexString(clock.millis()))
              .endMetadata()
              .withNewInvolvedObject()
              .withApiVersion("v1")
              .withKind("ConfigMap")
              .withNamespace(client.getNamespace())
              .withName(configMap)
              .withUid(about == null ? null : about.getMetadata().getUid())
              .endInvolvedObject()
              .withType("Warning")
              .withReason(reason)
              .withMessage(cut(text))
              .withNewSource()
              .withComponent("ip-sentry")
              .endSource()
              .withFirstTimestamp(now)
              .withLastTimestamp(now)
              .withCount(1)
              .build();
      Event ignored = client.resource(event).create();
    } catch (KubernetesClientException e) {
      logger
          .atWarn()
          .addKeyValue("reason", reason)
          .addKeyValue("cause", e.getMessage())
          .log("a note for people could not be left");
    }
  }

  /** Bytes may be cut inside a character, which then is a replacement character. */
  private static String cut(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return bytes.length <= MAX_BYTES
        ? text
        : new String(bytes, 0, MAX_BYTES - 8, StandardCharsets.UTF_8) + "…";
  }
}
