package io.ipsentry.kubernetes.policy;

/** Kinds of gateways by which they ask somebody. */
enum AttachedKind {
  SECURITY_POLICY("gateway.envoyproxy.io", "v1alpha1", "SecurityPolicy", "securitypolicies"),
  SNIPPETS_POLICY("gateway.nginx.org", "v1alpha1", "SnippetsPolicy", "snippetspolicies"),
  SNIPPETS_FILTER("gateway.nginx.org", "v1alpha1", "SnippetsFilter", "snippetsfilters"),
  MIDDLEWARE("traefik.io", "v1alpha1", "Middleware", "middlewares");

  private final String group;
  private final String version;
  private final String kind;
  private final String plural;

  AttachedKind(String group, String version, String kind, String plural) {
    this.group = group;
    this.version = version;
    this.kind = kind;
    this.plural = plural;
  }

  String group() {
    return group;
  }

  String version() {
    return version;
  }

  String kind() {
    return kind;
  }

  String plural() {
    return plural;
  }

  String apiVersion() {
    return group + '/' + version;
  }
}
