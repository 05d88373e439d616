package io.ipsentry.conformance.chart;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A chart that leaves in a cluster what the original ip-sentry's does: objects of the same kinds,
 * names, labels and annotations, and a blocklist. Its pods do nothing.
 */
final class OriginalChart {
  private static final String WORKLOADS =
      """
      {{- range $component, $kind := dict "watcher" "Deployment" "enforcer" "DaemonSet" }}
      ---
      apiVersion: apps/v1
      kind: {{ $kind }}
      metadata: { name: "{{ $.Release.Name }}-{{ $component }}", labels: { app.kubernetes.io/managed-by: Helm } }
      spec:
        selector:
          matchLabels: &labels
            app.kubernetes.io/name: ip-sentry
            app.kubernetes.io/instance: {{ $.Release.Name }}
            app.kubernetes.io/component: {{ $component }}
        template:
          metadata: { labels: *labels }
          spec:
            serviceAccountName: {{ $.Release.Name }}
            containers:
              - name: {{ $component }}
                image: example/original
                envFrom: [{ configMapRef: { name: "{{ $.Release.Name }}-config" } }]
                volumeMounts: [{ name: scripts, mountPath: /scripts }]
            volumes:
              - { name: scripts, configMap: { name: "{{ $.Release.Name }}-{{ $component }}-script" } }
      {{- end }}
      """;

  private static final String OTHERS =
      """
      apiVersion: v1
      kind: ServiceAccount
      metadata: { name: "{{ .Release.Name }}" }
      ---
      apiVersion: v1
      kind: ConfigMap
      metadata: { name: "{{ .Release.Name }}-config" }
      data: { THRESHOLD: "3" }
      ---
      apiVersion: v1
      kind: ConfigMap
      metadata: { name: "{{ .Release.Name }}-watcher-script" }
      ---
      apiVersion: v1
      kind: ConfigMap
      metadata: { name: "{{ .Release.Name }}-enforcer-script" }
      ---
      apiVersion: v1
      kind: ConfigMap
      metadata: { name: "{{ .Release.Name }}-blocklist", annotations: { helm.sh/resource-policy: keep } }
      data: { blocklist.json: "{}" }
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: Role
      metadata: { name: "{{ .Release.Name }}-watcher" }
      rules: [{ apiGroups: [""], resources: [configmaps], verbs: [get, update, patch, create] }]
      ---
      apiVersion: rbac.authorization.k8s.io/v1
      kind: RoleBinding
      metadata: { name: "{{ .Release.Name }}-watcher" }
      roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: "{{ .Release.Name }}-watcher" }
      subjects: [{ kind: ServiceAccount, name: "{{ .Release.Name }}", namespace: "{{ .Release.Namespace }}" }]
      """;

  private OriginalChart() {}

  /** Writes it below a directory and returns its folder. */
  static Path in(Path directory) {
    try {
      Path chart = Files.createDirectories(directory.resolve("ip-sentry"));
      Path templates = Files.createDirectory(chart.resolve("templates"));
      Files.writeString(
          chart.resolve("Chart.yaml"), "{ apiVersion: v2, name: ip-sentry, version: 0.0.1 }\n");
      Files.writeString(templates.resolve("workloads.yaml"), WORKLOADS);
      Files.writeString(templates.resolve("others.yaml"), OTHERS);
      return chart;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the chart", e);
    }
  }
}
