{{/* Names. The longest that is made of it is R-authz-server, and a Service has 63 characters. */}}
{{- define "ip-sentry.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Name of what is outside of the release's namespace, where a release of the same name in another namespace may be too. */}}
{{- define "ip-sentry.clusterName" -}}
{{- $fullname := include "ip-sentry.fullname" . -}}
{{- if eq $fullname .Release.Namespace -}}{{ $fullname }}{{- else -}}{{ $fullname }}-{{ .Release.Namespace }}{{- end -}}
{{- end -}}

{{- define "ip-sentry.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: ip-sentry
{{- end -}}

{{/* Labels of a component's own objects. Takes a dict: root, component. */}}
{{- define "ip-sentry.componentLabels" -}}
{{ include "ip-sentry.labels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* What pods are selected by; the original chart's, so that its Deployment and DaemonSet can be upgraded. Takes a dict: root, component. */}}
{{- define "ip-sentry.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "ip-sentry.watcher.serviceAccount" -}}
{{- if .Values.serviceAccount.name -}}{{ .Values.serviceAccount.name }}
{{- else if .Values.serviceAccount.create -}}{{ include "ip-sentry.fullname" . }}-watcher
{{- else -}}default{{- end -}}
{{- end -}}

{{- define "ip-sentry.authzServer.serviceAccount" -}}
{{- if .Values.authzServer.serviceAccount.name -}}{{ .Values.authzServer.serviceAccount.name }}
{{- else if .Values.authzServer.serviceAccount.create -}}{{ include "ip-sentry.fullname" . }}-authz-server
{{- else -}}default{{- end -}}
{{- end -}}

{{- define "ip-sentry.enforcer.serviceAccount" -}}
{{- if .Values.enforcer.serviceAccount.name -}}{{ .Values.enforcer.serviceAccount.name }}
{{- else if .Values.enforcer.serviceAccount.create -}}{{ include "ip-sentry.fullname" . }}-enforcer
{{- else -}}default{{- end -}}
{{- end -}}

{{/* One ServiceAccount. Takes a dict: root, component, name, annotations. */}}
{{- define "ip-sentry.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "ip-sentry.componentLabels" . | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
# Pods say themselves that they want the token.
automountServiceAccountToken: false
{{- end -}}

{{/* Binds a role to a ServiceAccount of the release. Takes a dict: root, component, name, namespace (none: in the whole cluster), role, roleKind, account. */}}
{{- define "ip-sentry.binding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ if .namespace }}RoleBinding{{ else }}ClusterRoleBinding{{ end }}
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "ip-sentry.componentLabels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .roleKind }}
  name: {{ .role }}
subjects:
  - kind: ServiceAccount
    name: {{ .account }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}
