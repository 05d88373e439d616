package io.ipsentry.conformance.chart;

import java.util.LinkedHashMap;
import java.util.Map;

/** Values of many kinds of users, each of which must render to what a cluster and we accept. */
final class ValuesMatrix {
  /**
   * All values of the original's chart, as in its own {@code values.yaml}, with what can run only
   * there.
   */
  static final String ORIGINAL =
      """
      ngf:
        namespace: nginx-gateway-fabric
        labelSelector: "gateway.networking.k8s.io/gateway-name=nginx-public"
        container: nginx
      watcher:
        image: { repository: python, tag: "3.12-slim" }
        logRegex: '^(\\S+) \\S+ \\S+ \\[.+?\\] "(?:[A-Z]+) (\\S+) \\S+" \\d+'
        patterns: ['^/wp-admin', '^/\\.env', '/backup.*\\.sql']
        threshold: 4
        uniquePatternThreshold: 1
        windowSeconds: 300
        banDurationSeconds: 2592000
        resources:
          requests: { cpu: 50m, memory: 64Mi }
          limits: { cpu: 200m, memory: 128Mi }
        podSecurityContext:
          runAsNonRoot: true
          runAsUser: 1000
          runAsGroup: 1000
          seccompProfile: { type: RuntimeDefault }
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities: { drop: [ALL] }
      enforcer:
        image: { repository: nicolaka/netshoot, tag: "v0.13" }
        intervalSeconds: 15
        tolerateControlPlane: true
        tolerations: [{ key: dedicated, operator: Exists }]
        resources:
          requests: { cpu: 10m, memory: 32Mi }
          limits: { cpu: 100m, memory: 64Mi }
        podSecurityContext: { seccompProfile: { type: RuntimeDefault } }
        securityContext: { privileged: true, readOnlyRootFilesystem: true }
      imagePullSecrets: [{ name: registry }]
      serviceAccount: { create: true, name: "" }
      rbac: { create: true }
      """;

  private static final String NO_GATEWAY =
      """
      preset: none
      sources:
        - { name: web, file: /var/log/containers/*_web_nginx-*.log }
      """;

  static final String NODES =
      """
      sources:
        - { name: sshd, file: /var/log/auth.log, format: sshd, client: peer, reader: agent }
      rules:
        - { name: logins, match: { authFailures: true, sources: [sshd] }, threshold: 5, window: 10m, ban: 1h }
      """;

  private static final String INLINE =
      """
      rules:
        - name: inline
          on: request
          match: { paths: ['^/admin/'], methods: POST }
          threshold: 3
      config:
        mode: shadow
        neverBan: [192.0.2.0/24]
        trustedProxies: [private, cloudflare]
        feeds: [{ name: edge, url: "https://cdn.example/ips-v4", action: protect, network: cloudflare }]
        limits: { maxNewBansPerMinute: 100, trackedAddressesBytes: 16MiB }
        ipv6: { countPrefix: 56, banPrefix: 56 }
        store: { keepHistory: 7d, leader: { lease: 10s } }
        authz:
          callers: [10.0.0.0/8]
          policies: { shop: { rules: [inline], scoped: true } }
        enforcer: { backend: nftables, hook: filter, ports: [80, 443], verdict: reject }
      """;

  private static final String EVERYTHING =
      """
      image: { repository: registry.example/ip-sentry, digest: "sha256:%s" }
      watcher: { replicas: 3, podLabels: { team: edge }, extraEnv: [{ name: TZ, value: UTC }] }
      authzServer:
        autoscaling: { enabled: false }
        replicas: 5
        service: { type: LoadBalancer, annotations: { a.example/b: c } }
        tls: { existingSecret: gateway-tls, clientCa: true }
        topologySpreadConstraints:
          - { maxSkew: 2, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule }
        extraVolumes: [{ name: token, secret: { secretName: token } }]
        extraVolumeMounts: [{ name: token, mountPath: /run/token, readOnly: true }]
      enforcer: { hostBinaries: true, nodeSelector: { a: b }, updateStrategy: { type: RollingUpdate } }
      serviceAccount: { annotations: { a.example/b: c } }
      sinks: [{ stdout: { events: [ban] } }, { webhook: { url: "https://bans.example/" } }]
      sinkSecrets: [cloudflare, telegram]
      networkPolicy:
        gateways: [{ namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: gateways } } }]
        metrics: [{ podSelector: {} }]
        egress: { enabled: true }
      monitoring:
        podMonitor: { enabled: true, labels: { release: prometheus } }
        serviceMonitor: { enabled: true }
        prometheusRule: { enabled: true }
        dashboard: { enabled: true, annotations: { folder: security } }
      """
          .formatted("0123456789abcdef".repeat(4));

  private static final String NOTHING =
      """
      authzServer: { enabled: false }
      enforcer: { enabled: false }
      watcher: { podDisruptionBudget: { enabled: false }, patterns: [], uniquePatternThreshold: 0 }
      serviceAccount: { create: false, name: mine }
      rbac: { create: false }
      networkPolicy: { enabled: false }
      adminTls: { existingSecret: mine }
      """;

  /** Of this project: the cert-manager of the cluster makes the certificate. */
  private static final String CERT_MANAGER = "adminTls: { certManager: { enabled: true } }";

  private static final String CERT_MANAGER_ISSUER =
      """
      adminTls: { certManager: { enabled: true, issuerRef: { kind: ClusterIssuer, name: corporate } } }
      """;

  private static final String REGEX =
      """
      watcher:
        logRegex: '(\\d+\\.\\d+\\.\\d+\\.\\d+) (?:GET|POST) (\\S+)'
        uniquePatternThreshold: 0
        patterns: ['wp-(?:admin|login)', '\\.(?:bak|sql){1,3}$', "it's", '"quoted"', 'a: b # c']
      """;

  /** Every kind of gateway that can be attached, in every form. */
  static final String ATTACHMENTS =
      """
      attach:
        - type: envoy-gateway
          namespace: envoy-gateway-system
          targetRefs: [{ name: public }, { kind: Gateway, name: internal, sectionName: https }]
          accessLog: both
        - type: envoy-gateway
          name: shop
          namespace: envoy-gateway-system
          targetRefs: [{ kind: HTTPRoute, name: shop }]
          policy: shop
          failOpen: false
          timeout: 1s
          accessLog: json
        - type: envoy-gateway
          name: logs
          namespace: envoy-gateway-system
          targetRefs: [{ kind: GRPCRoute, name: logs }]
          accessLog: als
        - type: ngf
          namespace: nginx-gateway-fabric
          targetRefs: [{ name: public }]
          accessLog: json
        - { type: ngf, name: shop, namespace: nginx-gateway-fabric, route: true, policy: shop, failOpen: false, timeout: 50ms }
        - { type: traefik, namespace: traefik }
        - { type: traefik, name: shop, namespace: traefik, policy: shop }
        - { type: istio, namespace: ingress-nginx, targetRefs: [{ name: public }] }
        - { type: istio, name: sidecars, namespace: ingress-nginx, selector: { app: gateway }, failOpen: false }
        - { type: external-auth, namespace: traefik }
        - { type: external-auth, name: web, namespace: traefik, protocol: http, policy: shop }
      sources: [{ name: gateway-als, als: [logs, ip-sentry] }]
      config: { authz: { callers: [10.0.0.0/8], policies: { shop: { mode: shadow } } } }
      """;

  private ValuesMatrix() {}

  /** By a name. */
  static Map<String, String> all() {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("defaults", "");
    all.put("original", ORIGINAL);
    for (String preset : new String[] {"traefik", "k3s", "envoy-gateway", "ingress-nginx"}) {
      all.put(preset, "preset: " + preset);
    }
    all.put("no gateway", NO_GATEWAY);
    all.put("logs of nodes", NODES);
    all.put("inline rules", INLINE);
    all.put("everything", EVERYTHING);
    all.put("attachments", ATTACHMENTS);
    all.put("nothing", NOTHING);
    all.put("cert-manager", CERT_MANAGER);
    all.put("cert-manager with an issuer", CERT_MANAGER_ISSUER);
    all.put("expressions", REGEX);
    all.put("another name", "fullnameOverride: a-name-that-is-as-long-as-a-release-can-have-one-x");
    return all;
  }
}
