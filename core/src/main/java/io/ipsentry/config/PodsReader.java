package io.ipsentry.config;

import io.ipsentry.config.SourceConfig.Input;
import io.ipsentry.config.YamlNode.Scalar;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Reads which pods a source has its lines from. Stateless. */
final class PodsReader {
  /** Longest selector, in characters. */
  static final int MAX_SELECTOR_LENGTH = 1_000;

  private static final Pattern LABEL = Pattern.compile("[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?");

  /**
   * What the API server takes as a label selector: requirements {@code key}, {@code !key}, {@code
   * key=value}, {@code key!=value}, {@code key in (a,b)}, {@code key notin (a,b)}.
   */
  private static final Pattern SELECTOR = selector();

  /**
   * What a gateway's pods are called where nobody chose otherwise.
   *
   * @param format of the lines; {@code auto} where the gateway's own settings decide it
   */
  record Preset(String namespace, String selector, String container, String format) {}

  /** By name. */
  static final Map<String, Preset> PRESETS =
      Map.of(
          "ngf",
          new Preset(
              "nginx-gateway-fabric",
              "gateway.networking.k8s.io/gateway-name=nginx-public",
              "nginx",
              "auto"),
          "traefik",
          new Preset("traefik", "app.kubernetes.io/name=traefik", "traefik", "auto"),
          // Traefik as k3s ships it.
          "k3s",
          new Preset("kube-system", "app.kubernetes.io/name=traefik", "traefik", "auto"),
          "envoy-gateway",
          new Preset(
              "envoy-gateway-system",
              "app.kubernetes.io/name=envoy,app.kubernetes.io/component=proxy,"
                  + "app.kubernetes.io/managed-by=envoy-gateway",
              "envoy",
              "envoy-gateway-json"),
          "ingress-nginx",
          new Preset(
              "ingress-nginx",
              "app.kubernetes.io/name=ingress-nginx,app.kubernetes.io/component=controller",
              "controller",
              "combined"));

  private PodsReader() {}

  private static Pattern selector() {
    String name = "[A-Za-z0-9][A-Za-z0-9_.-]{0,252}+";
    String key = "(?:" + name + "/)?+" + name;
    String value = "(?:[A-Za-z0-9][A-Za-z0-9_.-]{0,62}+)?+";
    String set = "\\(\\s*+" + value + "(?:\\s*+,\\s*+" + value + ")*+\\s*+\\)";
    String one =
        "(?:!\\s*+"
            + key
            + "|"
            + key
            + "(?:\\s*+(?:=|==|!=)\\s*+"
            + value
            + "|\\s++(?:not)?+in\\s*+"
            + set
            + ")?+)";
    return Pattern.compile("\\s*+" + one + "(?:\\s*+,\\s*+" + one + ")*+\\s*+");
  }

  /** Of a source; empty where it has no pods, or where the preset is not known. */
  static Optional<Preset> preset(Section source) {
    return source
        .get("pods")
        .flatMap(pods -> pods.node() instanceof Scalar ? Optional.of(pods) : pods.child("preset"))
        .filter(preset -> preset.node() instanceof Scalar)
        .map(preset -> PRESETS.get(((Scalar) preset.node()).text()));
  }

  /** The pods, by the keys that are written and else by the preset. */
  static Optional<Input> pods(Value value) {
    if (value.node() instanceof Scalar) {
      return value
          .choice(PRESETS)
          .map(preset ->
              new Input.Pods(
                  preset.namespace(), preset.selector(), Optional.of(preset.container())));
    }
    return value.section(Keys.PODS).flatMap(PodsReader::pods);
  }

  private static Optional<Input> pods(Section section) {
    Optional<Preset> preset = section.get("preset").flatMap(value -> value.choice(PRESETS));
    Optional<String> namespace = or(section, "namespace", preset.map(Preset::namespace));
    Optional<String> selector = or(section, "selector", preset.map(Preset::selector));
    Optional<String> container = or(section, "container", preset.map(Preset::container));
    check(section, "namespace", PodsReader::isLabel, "is no name of a namespace");
    check(section, "container", PodsReader::isLabel, "is no name of a container");
    check(section, "selector", PodsReader::isSelector, "is no label selector");
    if (section.has("preset") || namespace.isPresent() && selector.isPresent()) {
      return namespace.flatMap(
          in -> selector.<Input>map(labels -> new Input.Pods(in, labels, container)));
    }
    if (!section.isMisspelt("namespace") && !section.isMisspelt("selector")) {
      section
          .whole()
          .error(
              "does not say which pods",
              "write namespace and selector, or a preset: "
                  + String.join(", ", PRESETS.keySet().stream().sorted().toList()));
    }
    return Optional.empty();
  }

  private static Optional<String> or(Section section, String key, Optional<String> preset) {
    return section.has(key) ? section.get(key).flatMap(Value::text) : preset;
  }

  private static void check(
      Section section, String key, Function<String, String> mend, String what) {
    section
        .get(key)
        .ifPresent(value -> {
          Optional<String> text = value.text();
          String how = text.map(mend).orElse("");
          if (!how.isEmpty()) {
            value.error(Problems.quoted(text.orElse("")) + " " + what, how);
          }
        });
  }

  /** How to mend it; empty: it is one. */
  private static String isLabel(String text) {
    return LABEL.matcher(text).matches()
        ? ""
        : "write 1 to 63 lower-case letters, digits and dashes";
  }

  private static String isSelector(String text) {
    return !text.isBlank()
            && text.length() <= MAX_SELECTOR_LENGTH
            && SELECTOR.matcher(text).matches()
        ? ""
        : "write labels as for kubectl get pods -l, such as app.kubernetes.io/name=traefik";
  }
}
