package io.ipsentry.kubernetes.policy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The objects that policies of {@code attach: auto} want, for each point that one holds; the same
 * as the chart's {@code attach} makes. Pure.
 *
 * @param wanted in order of their points
 * @param impossible why a policy cannot be attached by an object, by its point and Gateway
 */
record Attachments(SortedMap<Point, List<AttachedObject>> wanted, Map<At, String> impossible) {
  static final String CONTROLLER = "ip-sentry.io/controller";
  static final String POLICY = "ip-sentry.io/policy";
  private static final Map<String, String> LABELS =
      Map.of("app.kubernetes.io/managed-by", "ip-sentry", "app.kubernetes.io/part-of", "ip-sentry");

  /** Longer names of policies are cut in names of objects; the digest of the point follows. */
  private static final int MAX_NAME_PART = 48;

  private static final String GROUP = "gateway.networking.k8s.io";

  /** A point with one of the Gateways that serve it. */
  record At(Point point, Point gateway) {}

  /**
   * Who makes them, and whom gateways ask.
   *
   * @param controller as statuses name it
   * @param service of the authz-servers
   * @param namespace of that
   * @param grpcPort for Envoy
   * @param httpPort for the others
   */
  record Identity(String controller, String service, String namespace, int grpcPort, int httpPort) {
    /** That of the chart. */
    static Identity of(String release, String namespace) {
      return new Identity(
          "ip-sentry.io/" + namespace + '/' + release,
          release + "-authz-server",
          namespace,
          9001,
          9002);
    }

    private String http(String path) {
      return service + '.' + namespace + ".svc:" + httpPort + path;
    }
  }

  static Attachments of(ClusterView cluster, PolicyMerge merge, Identity identity) {
    SortedMap<Point, List<AttachedObject>> wanted = new TreeMap<>();
    Map<At, String> impossible = new LinkedHashMap<>();
    merge
        .winners()
        .forEach((point, policy) -> {
          if (policy.auto()) {
            Map<AttachedObject.Key, AttachedObject> objects = new LinkedHashMap<>();
            for (GatewayObject gateway : cluster.gatewaysOf(point)) {
              Optional<AttachedObject> object =
                  cluster
                      .implementation(gateway)
                      .flatMap(it -> object(it, point, policy, identity));
              if (object.isPresent()) {
                objects.put(object.get().key(), object.get());
              } else {
                impossible.put(
                    new At(point, gateway.point()),
                    cluster
                        .implementation(gateway)
                        .map(it -> it + " has no object that attaches to a listener")
                        .orElse(
                            "the GatewayClass "
                                + gateway.className()
                                + " is of nobody to whom we can attach"));
              }
            }
            wanted.put(point, List.copyOf(objects.values()));
          }
        });
    return new Attachments(wanted, impossible);
  }

  private static Optional<AttachedObject> object(
      Implementation implementation, Point point, BanPolicyObject policy, Identity identity) {
    boolean route = point.kind() == Point.Kind.HTTP_ROUTE;
    return switch (implementation) {
      case ENVOY_GATEWAY ->
          Optional.of(
              object(
                  AttachedKind.SECURITY_POLICY,
                  point,
                  policy,
                  identity,
                  securityPolicy(point, policy, identity)));
      case NGF -> {
        if (!route && !point.section().isEmpty()) {
          yield Optional.empty();
        }
        AttachedKind kind = route ? AttachedKind.SNIPPETS_FILTER : AttachedKind.SNIPPETS_POLICY;
        yield Optional.of(
            object(kind, point, policy, identity, snippets(point, policy, identity, route)));
      }
      case TRAEFIK ->
          Optional.of(
              object(
                  AttachedKind.MIDDLEWARE, point, policy, identity, forwardAuth(point, identity)));
    };
  }

  private static AttachedObject object(
      AttachedKind kind,
      Point point,
      BanPolicyObject policy,
      Identity identity,
      Map<String, Object> spec) {
    boolean near = policy.namespace().equals(point.namespace());
    return new AttachedObject(
        kind,
        point.namespace(),
        name(point, policy),
        "",
        LABELS,
        Map.of(CONTROLLER, identity.controller(), POLICY, policy.fullName()),
        near ? new AttachedObject.Owner(policy.name(), policy.uid()) : null,
        spec);
  }

  /** Of all objects for a point. */
  static String name(Point point, BanPolicyObject policy) {
    String part =
        policy.name().length() <= MAX_NAME_PART
            ? policy.name()
            : policy.name().substring(0, MAX_NAME_PART).replaceAll("[.-]+$", "");
    return "ban-" + part + '-' + Point.digest(point.policyName());
  }

  private static Map<String, Object> ref(Point point) {
    Map<String, Object> ref = new LinkedHashMap<>();
    ref.put("group", GROUP);
    ref.put("kind", point.kind().apiKind());
    ref.put("name", point.name());
    if (!point.section().isEmpty()) {
      ref.put("sectionName", point.section());
    }
    return ref;
  }

  private static Map<String, Object> securityPolicy(
      Point point, BanPolicyObject policy, Identity identity) {
    Map<String, Object> extAuth = new LinkedHashMap<>();
    // Envoy Gateway's own are 10 s and closed.
    extAuth.put("timeout", policy.timeout());
    extAuth.put("failOpen", policy.failOpen());
    extAuth.put(
        "headersToExtAuth", List.of("x-forwarded-for", "x-envoy-external-address", "user-agent"));
    extAuth.put(
        "contextExtensions",
        List.of(Map.of("name", "policy", "type", "Value", "value", point.policyName())));
    Map<String, Object> backend =
        Map.of(
            "name",
            identity.service(),
            "namespace",
            identity.namespace(),
            "port",
            identity.grpcPort());
    extAuth.put("grpc", Map.of("backendRefs", List.of(backend)));
    Map<String, Object> spec = new LinkedHashMap<>();
    spec.put("targetRefs", List.of(ref(point)));
    if (point.kind() == Point.Kind.HTTP_ROUTE) {
      // Without it this one takes the place of all that the Gateway's says.
      spec.put("mergeType", "StrategicMerge");
    }
    spec.put("extAuth", extAuth);
    return spec;
  }

  private static Map<String, Object> forwardAuth(Point point, Identity identity) {
    Map<String, Object> forward = new LinkedHashMap<>();
    forward.put("address", "http://" + identity.http(path(point)));
    forward.put("trustForwardHeader", true);
    forward.put("authRequestHeaders", List.of("User-Agent"));
    forward.put("maxResponseBodySize", 65_536);
    return Map.of("forwardAuth", forward);
  }

  private static String path(Point point) {
    return "/policies/" + point.policyName() + "/forward-auth";
  }

  private static Map<String, Object> snippets(
      Point point, BanPolicyObject policy, Identity identity, boolean route) {
    String id = "ip_sentry_" + name(point, policy).replaceAll("[^a-z0-9]", "_");
    String ask =
        "auth_request /_" + id + ";\nauth_request_set $ip_sentry $upstream_http_x_ip_sentry;\n";
    List<Map<String, Object>> snippets = new ArrayList<>();
    snippets.add(
        snippet(
            "http",
            """
            upstream %s {
              zone %s 64k;
              server %s;
              keepalive 32;
            }
            """
                .formatted(id, id, identity.http(""))));
    snippets.add(
        snippet(
            "http.server",
            (route ? "" : ask) + locations(id, path(point), policy.timeout(), policy.failOpen())));
    if (route) {
      snippets.add(snippet("http.server.location", ask));
    }
    Map<String, Object> spec = new LinkedHashMap<>();
    if (!route) {
      spec.put("targetRefs", List.of(ref(point)));
    }
    spec.put("snippets", snippets);
    return spec;
  }

  private static Map<String, Object> snippet(String context, String value) {
    return Map.of("context", context, "value", value);
  }

  private static String locations(String id, String path, String timeout, boolean failOpen) {
    String asking =
        """
        location = /_%1$s {
          internal;
          auth_request off;
          proxy_pass http://%1$s%2$s;
          proxy_http_version 1.1;
          proxy_pass_request_body off;
          proxy_pass_request_headers off;
          proxy_set_header Connection "";
          proxy_set_header Content-Length "";
          proxy_set_header User-Agent $http_user_agent;
          proxy_set_header X-Real-IP $remote_addr;
          proxy_set_header X-Forwarded-For $remote_addr;
          proxy_set_header X-Forwarded-Method $request_method;
          proxy_set_header X-Forwarded-Host $host;
          proxy_set_header X-Forwarded-Uri $request_uri;
          proxy_connect_timeout %3$s;
          proxy_send_timeout %3$s;
          proxy_read_timeout %3$s;
        """
            .formatted(id, path, timeout);
    if (!failOpen) {
      return asking + "}\n";
    }
    return asking
        + """
          proxy_intercept_errors on;
          error_page 500 502 503 504 =204 @%1$s_open;
        }
        location @%1$s_open {
          internal;
          auth_request off;
          return 204;
        }
        """
            .formatted(id);
  }
}
