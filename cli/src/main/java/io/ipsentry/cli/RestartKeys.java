package io.ipsentry.cli;

import io.ipsentry.config.AuthzConfig;
import io.ipsentry.config.ClusterStoreConfig;
import io.ipsentry.config.Config;
import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.config.ListenAddress;
import io.ipsentry.config.TlsConfig;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys of a configuration that a process reads at its start only, so that a reload can say of
 * each that it is not in force yet. Stateless.
 */
final class RestartKeys {
  private static final String NONE = "none";

  private static final RestartKey METRICS =
      new RestartKey("metrics.listen", config -> text(config.metrics(), "off"));

  private static final List<RestartKey> SHARED =
      List.of(
          METRICS,
          new RestartKey(
              "limits.trackedAddressesBytes",
              config -> Long.toString(config.limits().trackedAddressesBytes())),
          new RestartKey(
              "ipv6.countPrefix", config -> Integer.toString(config.ipv6().countPrefix())),
          new RestartKey(
              "authz.listen", config -> text(config.authz().flatMap(AuthzConfig::listen), NONE)),
          new RestartKey(
              "authz.http", config -> text(config.authz().flatMap(AuthzConfig::http), NONE)),
          new RestartKey("authz.tls", config -> text(config.authz().flatMap(AuthzConfig::tls))));

  private static final List<RestartKey> KERNEL =
      List.of(
          of("enforcer.name", EnforcerConfig::name),
          of("enforcer.backend", it -> it.backend().map(Backend::wireName).orElse("auto")),
          of("enforcer.hook", it -> it.hook().wireName()),
          of("enforcer.hostBinaries", it -> Boolean.toString(it.hostBinaries())));

  private static final RestartKey CHECKPOINTS =
      new RestartKey(
          "store.checkpoints",
          config ->
              config
                  .store()
                  .kubernetes()
                  .flatMap(ClusterStoreConfig::checkpoints)
                  .map(Object::toString)
                  .orElse(NONE));

  /** Of {@code enforcer}. */
  static final List<RestartKey> OF_ENFORCER =
      Stream.concat(
              KERNEL.stream(),
              Stream.of(
                  METRICS, CHECKPOINTS, of("enforcer.agent", it -> Boolean.toString(it.agent()))))
          .toList();

  /** Of {@code authz-server}, which keeps no log and has no admin API. */
  static final List<RestartKey> OF_AUTHZ_SERVER = SHARED;

  private static final List<RestartKey> ADMIN =
      List.of(
          new RestartKey(
              "admin.kubernetesAuth",
              config -> config.admin().kubernetesAuth().map(Object::toString).orElse(NONE)),
          new RestartKey("admin.socket", config -> config.admin().socket().toString()),
          new RestartKey("admin.listen", config -> text(config.admin().listen(), NONE)),
          new RestartKey("admin.tls", config -> text(config.admin().tls())));

  /** Of {@code watcher}. */
  static final List<RestartKey> OF_WATCHER =
      Stream.of(
              SHARED.stream(),
              ADMIN.stream(),
              Stream.of(
                  new RestartKey(
                      "store.kubernetes",
                      config -> config.store().kubernetes().map(Object::toString).orElse(NONE)),
                  new RestartKey(
                      "store.keepHistory", config -> String.valueOf(config.store().keepHistory()))))
          .flatMap(keys -> keys)
          .toList();

  /** Of {@code run}. */
  static final List<RestartKey> OF_RUN =
      Stream.of(
              SHARED.stream(),
              KERNEL.stream(),
              ADMIN.stream(),
              Stream.of(
                  new RestartKey(
                      "enforcer", config -> config.enforcer().isPresent() ? "on" : "off"),
                  new RestartKey("store.path", config -> config.store().path().toString())))
          .flatMap(keys -> keys)
          .toList();

  /** Of {@code agent}. */
  static final List<RestartKey> OF_AGENT = List.of(METRICS, CHECKPOINTS);

  private static final Logger logger = LoggerFactory.getLogger(RestartKeys.class);

  private RestartKeys() {}

  /**
   * A key.
   *
   * @param name as it is written
   * @param value its value as people read it; no secrets
   */
  record RestartKey(String name, Function<Config, String> value) {}

  /**
   * A value that is not in force.
   *
   * @param key its name
   * @param inForce what holds since the start
   * @param configured what holds after a restart
   */
  record Waiting(String key, String inForce, String configured) {}

  /** What is configured otherwise than the process was started with. */
  static List<Waiting> waiting(List<RestartKey> keys, Config started, Config now) {
    return keys.stream()
        .map(key -> new Waiting(key.name(), key.value().apply(started), key.value().apply(now)))
        .filter(value -> !value.inForce().equals(value.configured()))
        .toList();
  }

  /** Says of each key that waits for a restart. */
  static void say(List<RestartKey> keys, Config started, Config now) {
    for (Waiting waiting : waiting(keys, started, now)) {
      logger
          .atWarn()
          .addKeyValue("key", waiting.key())
          .addKeyValue("inForce", waiting.inForce())
          .addKeyValue("configured", waiting.configured())
          .log("changes at a restart only");
    }
  }

  private static RestartKey of(String name, Function<EnforcerConfig, String> value) {
    return new RestartKey(
        name, config -> value.apply(config.enforcer().orElse(EnforcerConfig.DEFAULT)));
  }

  private static String text(Optional<ListenAddress> listen, String absent) {
    return listen.map(ListenAddress::toString).orElse(absent);
  }

  private static String text(Optional<TlsConfig> tls) {
    return tls.map(files ->
            "certificate "
                + files.certificate()
                + ", key "
                + files.key()
                + files.clientCa().map(ca -> ", clientCa " + ca).orElse(""))
        .orElse(NONE);
  }
}
