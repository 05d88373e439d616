package io.ipsentry.kubernetes.policy;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.OwnerReference;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads objects of the API server into what we look at of them. What is not as their definitions
 * have it is passed over. Stateless.
 */
final class PolicyObjects {
  static final String GROUP = "gateway.networking.k8s.io";
  static final String OWN_GROUP = "ip-sentry.io";
  static final String OWN_VERSION = "v1alpha1";
  static final String KIND = "BanPolicy";
  private static final String DEFAULT_TIMEOUT = "200ms";

  private PolicyObjects() {}

  static BanPolicyObject policy(GenericKubernetesResource object) {
    ObjectMeta meta = object.getMetadata();
    Map<String, Object> spec = map(object.get("spec"));
    List<Point> targets = new ArrayList<>();
    for (Map<String, Object> ref : maps(spec.get("targetRefs"))) {
      for (Point.Kind kind : Point.Kind.values()) {
        if (kind.apiKind().equals(ref.get("kind")) && GROUP.equals(ref.get("group"))) {
          targets.add(
              new Point(
                  kind,
                  text(ref, "namespace", meta.getNamespace()),
                  text(ref, "name", ""),
                  text(ref, "sectionName", "")));
        }
      }
    }
    return new BanPolicyObject(
        meta.getNamespace(),
        meta.getName(),
        Objects.requireNonNullElse(meta.getUid(), ""),
        Objects.requireNonNullElse(meta.getResourceVersion(), ""),
        Objects.requireNonNullElse(meta.getGeneration(), 0L),
        meta.getCreationTimestamp() == null
            ? Instant.EPOCH
            : Instant.parse(meta.getCreationTimestamp()),
        targets,
        "auto".equals(spec.get("attach")),
        !Boolean.FALSE.equals(spec.get("failOpen")),
        text(spec, "timeout", DEFAULT_TIMEOUT),
        overrides(spec),
        maps(map(object.get("status")).get("ancestors")));
  }

  private static Map<String, Object> overrides(Map<String, Object> spec) {
    Map<String, Object> overrides = new TreeMap<>();
    for (String key : List.of("mode", "rules", "packs")) {
      put(overrides, key, spec.get(key));
    }
    Object scope = spec.get("scope");
    if (scope != null) {
      overrides.put("scoped", "routes".equals(scope));
    }
    for (String key : List.of("thresholds", "denial", "exempt")) {
      map(spec.get(key)).forEach((inner, value) -> put(overrides, key + '.' + inner, value));
    }
    return overrides;
  }

  private static void put(Map<String, Object> overrides, String key, @Nullable Object value) {
    if (value != null) {
      overrides.put(key, value);
    }
  }

  static GatewayObject gateway(GenericKubernetesResource object) {
    Map<String, Object> spec = map(object.get("spec"));
    Set<String> listeners = new HashSet<>();
    maps(spec.get("listeners")).forEach(listener -> listeners.add(text(listener, "name", "")));
    return new GatewayObject(
        object.getMetadata().getNamespace(),
        object.getMetadata().getName(),
        text(spec, "gatewayClassName", ""),
        listeners);
  }

  static RouteObject route(GenericKubernetesResource object) {
    Map<String, Object> spec = map(object.get("spec"));
    String namespace = object.getMetadata().getNamespace();
    List<Point> parents = new ArrayList<>();
    for (Map<String, Object> ref : maps(spec.get("parentRefs"))) {
      if (text(ref, "kind", "Gateway").equals("Gateway")
          && text(ref, "group", GROUP).equals(GROUP)) {
        parents.add(
            new Point(
                Point.Kind.GATEWAY,
                text(ref, "namespace", namespace),
                text(ref, "name", ""),
                text(ref, "sectionName", "")));
      }
    }
    return new RouteObject(
        namespace,
        object.getMetadata().getName(),
        parents,
        maps(spec.get("rules")).stream().map(PolicyObjects::rule).toList());
  }

  private static RouteObject.Rule rule(Map<String, Object> rule) {
    Set<String> filters = new HashSet<>();
    boolean redirects = false;
    for (Map<String, Object> filter : maps(rule.get("filters"))) {
      redirects |= "RequestRedirect".equals(filter.get("type"));
      Map<String, Object> ref = map(filter.get("extensionRef"));
      if (!ref.isEmpty()) {
        filters.add(
            text(ref, "kind", "") + '.' + text(ref, "group", "") + '/' + text(ref, "name", ""));
      }
    }
    return new RouteObject.Rule(
        text(rule, "name", ""), redirects, !maps(rule.get("backendRefs")).isEmpty(), filters);
  }

  static Map.Entry<String, String> gatewayClass(GenericKubernetesResource object) {
    return Map.entry(
        object.getMetadata().getName(), text(map(object.get("spec")), "controllerName", ""));
  }

  static Grant grant(GenericKubernetesResource object) {
    Map<String, Object> spec = map(object.get("spec"));
    Set<String> from = new HashSet<>();
    for (Map<String, Object> each : maps(spec.get("from"))) {
      if (OWN_GROUP.equals(each.get("group")) && KIND.equals(each.get("kind"))) {
        from.add(text(each, "namespace", ""));
      }
    }
    Set<String> to = new HashSet<>();
    for (Map<String, Object> each : maps(spec.get("to"))) {
      if (GROUP.equals(each.get("group"))) {
        String name = text(each, "name", "");
        to.add(text(each, "kind", "") + (name.isEmpty() ? "" : '/' + name));
      }
    }
    return new Grant(object.getMetadata().getNamespace(), object.getMetadata().getName(), from, to);
  }

  static AttachedObject attached(AttachedKind kind, GenericKubernetesResource object) {
    ObjectMeta meta = object.getMetadata();
    AttachedObject.Owner owner = null;
    for (OwnerReference each :
        Objects.requireNonNullElse(meta.getOwnerReferences(), List.<OwnerReference>of())) {
      if (KIND.equals(each.getKind())) {
        owner = new AttachedObject.Owner(each.getName(), each.getUid());
      }
    }
    return new AttachedObject(
        kind,
        meta.getNamespace(),
        meta.getName(),
        Objects.requireNonNullElse(meta.getResourceVersion(), ""),
        Objects.requireNonNullElse(meta.getLabels(), Map.of()),
        Objects.requireNonNullElse(meta.getAnnotations(), Map.of()),
        owner,
        withoutNulls(map(object.get("spec"))));
  }

  private static Map<String, Object> withoutNulls(Map<String, Object> map) {
    Map<String, Object> kept = new LinkedHashMap<>(map);
    kept.values().removeIf(Objects::isNull);
    return kept;
  }

  private static String text(Map<String, Object> map, String key, String otherwise) {
    Object value = map.get(key);
    return value == null ? otherwise : String.valueOf(value);
  }

  static Map<String, Object> map(@Nullable Object value) {
    Map<String, Object> map = new LinkedHashMap<>();
    if (value instanceof Map<?, ?> given) {
      given.forEach((key, each) -> map.put(String.valueOf(key), each));
    }
    return map;
  }

  static List<Map<String, Object>> maps(@Nullable Object value) {
    List<Map<String, Object>> maps = new ArrayList<>();
    if (value instanceof List<?> items) {
      items.forEach(item -> maps.add(map(item)));
    }
    return maps;
  }
}
