{{/* What the original chart's values were, in which nothing of this chart can run: an image without ip-sentry, memory for other programs. A values file that repeats them means "the default". */}}
{{- define "ip-sentry.image" -}}
{{- $repository := .image.repository -}}
{{- $tag := .image.tag -}}
{{- if has $repository (list "python" "nicolaka/netshoot") -}}{{- $repository = "" -}}{{- $tag = "" -}}{{- end -}}
{{- $repository = default .root.Values.image.repository $repository -}}
{{- $tag = default (default .root.Chart.AppVersion .root.Values.image.tag) $tag -}}
{{- if .root.Values.image.digest -}}{{ $repository }}@{{ .root.Values.image.digest }}{{- else -}}{{ $repository }}:{{ $tag }}{{- end -}}
{{- end -}}

{{- define "ip-sentry.watcher.resources" -}}
{{- $original := dict "requests" (dict "cpu" "50m" "memory" "64Mi") "limits" (dict "cpu" "200m" "memory" "128Mi") -}}
{{- $ours := dict "requests" (dict "cpu" "50m" "memory" "192Mi") "limits" (dict "memory" "512Mi") -}}
{{- ternary $ours .Values.watcher.resources (eq (toJson $original) (toJson .Values.watcher.resources)) | toYaml -}}
{{- end -}}

{{- define "ip-sentry.enforcer.resources" -}}
{{- $original := dict "requests" (dict "cpu" "10m" "memory" "32Mi") "limits" (dict "cpu" "100m" "memory" "64Mi") -}}
{{- $ours := dict "requests" (dict "cpu" "10m" "memory" "128Mi") "limits" (dict "memory" "256Mi") -}}
{{- ternary $ours .Values.enforcer.resources (eq (toJson $original) (toJson .Values.enforcer.resources)) | toYaml -}}
{{- end -}}

{{/* Not empty, if the values repeat the original chart's where they cannot hold. */}}
{{- define "ip-sentry.ignoredOriginal" -}}
{{- $ignored := list -}}
{{- if has .Values.watcher.image.repository (list "python" "nicolaka/netshoot") -}}{{- $ignored = append $ignored "watcher.image" -}}{{- end -}}
{{- if has .Values.enforcer.image.repository (list "python" "nicolaka/netshoot") -}}{{- $ignored = append $ignored "enforcer.image" -}}{{- end -}}
{{- if ne (include "ip-sentry.watcher.resources" .) (toYaml .Values.watcher.resources) -}}{{- $ignored = append $ignored "watcher.resources" -}}{{- end -}}
{{- if ne (include "ip-sentry.enforcer.resources" .) (toYaml .Values.enforcer.resources) -}}{{- $ignored = append $ignored "enforcer.resources" -}}{{- end -}}
{{- join ", " $ignored -}}
{{- end -}}

{{/* A privileged container may have everything, and the API server refuses one that says so and also the contrary. */}}
{{- define "ip-sentry.enforcer.securityContext" -}}
{{- $context := .Values.enforcer.securityContext -}}
{{- if .Values.enforcer.hostBinaries -}}{{- $context = merge (dict "privileged" true) $context -}}{{- end -}}
{{- if $context.privileged -}}{{- $context = omit $context "allowPrivilegeEscalation" "capabilities" -}}{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{- define "ip-sentry.env" -}}
- { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
- { name: POD_NAMESPACE, valueFrom: { fieldRef: { fieldPath: metadata.namespace } } }
- { name: POD_IP, valueFrom: { fieldRef: { fieldPath: status.podIP } } }
- { name: NODE_NAME, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
{{- with .extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The container's beginning: the same for all. Takes a dict: root, values, command, document. */}}
{{- define "ip-sentry.container" -}}
image: {{ include "ip-sentry.image" (dict "root" .root "image" .values.image) | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: [{{ .command }}, --config, /etc/ip-sentry/ip-sentry.yaml, --log-level, {{ .values.logLevel }}]
env:
  {{- include "ip-sentry.env" .values | nindent 2 }}
{{- end -}}

{{/* Health of a process: it answers at once, and is ready when it can do its work. Nothing, if metrics are off. Takes a dict: root. */}}
{{- define "ip-sentry.probes" -}}
{{- if ne (include "ip-sentry.metricsPort" .root) "0" -}}
startupProbe:
  httpGet: { path: /healthz, port: metrics }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: metrics }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: metrics }
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}
{{- end -}}

{{/* The port in an address such as ":9003" or "[::1]:9003"; 0: there is none. */}}
{{- define "ip-sentry.port" -}}
{{- if regexMatch ":[0-9]+$" (toString .) -}}{{- regexFind "[0-9]+$" (toString .) -}}{{- else -}}0{{- end -}}
{{- end -}}

{{- define "ip-sentry.metricsPort" -}}
{{- include "ip-sentry.port" (include "ip-sentry.config" . | fromJson).metrics.listen -}}
{{- end -}}

{{- define "ip-sentry.adminPort" -}}
{{- include "ip-sentry.port" (include "ip-sentry.config" . | fromJson).admin.listen -}}
{{- end -}}

{{- define "ip-sentry.adminSecret" -}}
{{- default (printf "%s-admin-tls" (include "ip-sentry.fullname" .)) .Values.adminTls.existingSecret -}}
{{- end -}}

{{/* Folders that every process has. Takes a dict: root, values, document. */}}
{{- define "ip-sentry.volumes" -}}
- name: config
  configMap:
    name: {{ include "ip-sentry.fullname" .root }}-config
    items: [{ key: {{ .document }}, path: ip-sentry.yaml }]
- name: run
  emptyDir: { medium: Memory, sizeLimit: 1Mi }
- name: tmp
  emptyDir: { sizeLimit: 64Mi }
{{- with .values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ip-sentry.volumeMounts" -}}
# A folder, and not a file in it: only so is a change seen.
- { name: config, mountPath: /etc/ip-sentry, readOnly: true }
- { name: run, mountPath: /run/ip-sentry }
- { name: admin-tls, mountPath: /run/ip-sentry/tls, readOnly: true }
- { name: tmp, mountPath: /tmp }
{{- with .values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Who signs the watchers' certificate; their key is for them alone. Takes the root. */}}
{{- define "ip-sentry.authorityVolume" -}}
- name: admin-tls
  secret:
    secretName: {{ include "ip-sentry.adminSecret" . }}
    items: [{ key: ca.crt, path: ca.crt }]
{{- end -}}

{{/* Where pods go. Takes a dict: root, values, component. */}}
{{- define "ip-sentry.scheduling" -}}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "ip-sentry.spread" -}}
topologySpreadConstraints:
{{- if .values.topologySpreadConstraints }}
  {{- toYaml .values.topologySpreadConstraints | nindent 2 }}
{{- else }}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "ip-sentry.selectorLabels" $ | nindent 8 }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Labels and annotations of a pod. Takes a dict: root, values, component, config (the document, as YAML). */}}
{{- define "ip-sentry.podMetadata" -}}
annotations:
  # Of the keys that are read at a start only; any other change is taken by the running process.
  ip-sentry.io/restart-keys: {{ include "ip-sentry.restartKeys" (.config | fromYaml) }}
  {{- with .values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
labels:
  {{- include "ip-sentry.selectorLabels" . | nindent 2 }}
  {{- with .values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* A PodDisruptionBudget. Takes a dict: root, values, component. */}}
{{- define "ip-sentry.podDisruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "ip-sentry.fullname" .root }}-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "ip-sentry.componentLabels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .values.podDisruptionBudget.maxUnavailable }}
  # A pod that is not ready protects nobody, so it keeps no node from being drained.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "ip-sentry.selectorLabels" . | nindent 6 }}
{{- end -}}
