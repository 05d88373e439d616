{{/* What each preset stands for, as JSON: the key of its values, and the preset of the configuration. */}}
{{- define "ip-sentry.presets" -}}
{"ngf":{"values":"ngf","preset":"ngf"},"traefik":{"values":"traefik","preset":"traefik"},"k3s":{"values":"k3s","preset":"k3s"},
"envoy-gateway":{"values":"envoyGateway","preset":"envoy-gateway"},"ingress-nginx":{"values":"ingressNginx","preset":"ingress-nginx"}}
{{- end -}}

{{/* The original's default, which is nginx's combined format: every preset knows it by itself, with the time and the status too. */}}
{{- define "ip-sentry.combinedRegex" -}}
^(\S+) \S+ \S+ \[.+?\] "(?:[A-Z]+) (\S+) \S+" \d+
{{- end -}}

{{/* The sources: that of the preset, and .Values.sources; as JSON. */}}
{{- define "ip-sentry.sources" -}}
{{- $sources := list -}}
{{- if ne .Values.preset "none" -}}
{{- $preset := get (include "ip-sentry.presets" . | fromJson) .Values.preset -}}
{{- $values := get .Values $preset.values -}}
{{- $pods := dict "preset" $preset.preset "namespace" $values.namespace "selector" $values.labelSelector "container" $values.container -}}
{{- $source := dict "name" "gateway" "pods" $pods -}}
{{- if ne .Values.watcher.logRegex (include "ip-sentry.combinedRegex" .) -}}
{{- /* The original looks for it at the beginning of the line. */ -}}
{{- $regex := .Values.watcher.logRegex -}}
{{- if not (hasPrefix "^" $regex) -}}{{- $regex = printf "^(?:%s)" $regex -}}{{- end -}}
{{- $_ := set $source "logRegex" $regex -}}
{{- end -}}
{{- $sources = append $sources $source -}}
{{- end -}}
{{- concat $sources .Values.sources | toJson -}}
{{- end -}}

{{/* The rules: that of the original's values, and .Values.rules; as JSON. */}}
{{- define "ip-sentry.rules" -}}
{{- $rules := list -}}
{{- with .Values.watcher -}}
{{- if .patterns -}}
{{- $rule := dict "name" "probing" "match" (dict "paths" .patterns) "threshold" (int64 .threshold) -}}
{{- $_ := set $rule "window" (printf "%ds" (int64 .windowSeconds)) -}}
{{- $_ := set $rule "ban" (printf "%ds" (int64 .banDurationSeconds)) -}}
{{- if .uniquePatternThreshold -}}{{- $_ := set $rule "distinct" (int64 .uniquePatternThreshold) -}}{{- end -}}
{{- /* Lines of sshd have no path, and ip-sentry would doubt a rule that waits for one there. */ -}}
{{- $others := list -}}
{{- $unnamed := false -}}
{{- $sources := include "ip-sentry.sources" $ | fromJsonArray -}}
{{- range $sources -}}
{{- if ne (default "auto" .format) "sshd" -}}
{{- if .name -}}{{- $others = append $others .name -}}{{- else -}}{{- $unnamed = true -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $others (not $unnamed) (lt (len $others) (len $sources)) -}}{{- $_ := set $rule.match "sources" $others -}}{{- end -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- end -}}
{{- concat $rules .Values.rules | toJson -}}
{{- end -}}

{{/* One mapping over another, key by key: null takes a key away, and false, 0 and empty lists count, which Sprig's mergeOverwrite passes over. Takes a dict: base, over. As JSON. */}}
{{- define "ip-sentry.overlay" -}}
{{- $result := deepCopy .base -}}
{{- range $key, $value := .over -}}
{{- $before := get $result $key -}}
{{- if kindIs "invalid" $value -}}
{{- $result = omit $result $key -}}
{{- else if and (kindIs "map" $value) (kindIs "map" $before) -}}
{{- $_ := set $result $key (include "ip-sentry.overlay" (dict "base" $before "over" $value) | fromJson) -}}
{{- else -}}
{{- $_ := set $result $key $value -}}
{{- end -}}
{{- end -}}
{{- toJson $result -}}
{{- end -}}

{{/* The whole configuration, of which each component gets what is its; as JSON. */}}
{{- define "ip-sentry.config" -}}
{{- $fullname := include "ip-sentry.fullname" . -}}
{{- $tls := "/run/ip-sentry/tls" -}}
{{- $config := dict -}}
{{- $_ := set $config "sources" (include "ip-sentry.sources" . | fromJsonArray) -}}
{{- $_ := set $config "rules" (include "ip-sentry.rules" . | fromJsonArray) -}}
{{- if .Values.sinks -}}{{- $_ := set $config "sinks" .Values.sinks -}}{{- end -}}
{{- $leader := dict "ca" (printf "%s/ca.crt" $tls) "serverName" (printf "%s-watcher" $fullname) "tokenFile" "/var/run/secrets/kubernetes.io/serviceaccount/token" -}}
{{- $kubernetes := dict "release" $fullname "namespace" .Release.Namespace -}}
{{- if .Values.banPolicies.enabled -}}{{- $_ := set $kubernetes "banPolicies" true -}}{{- end -}}
{{- $_ := set $config "store" (dict "kubernetes" $kubernetes "leader" $leader) -}}
{{- $_ := set $config "admin" (dict "socket" "/run/ip-sentry/admin.sock" "listen" ":9004" "tls" (dict "certificate" (printf "%s/tls.crt" $tls) "key" (printf "%s/tls.key" $tls)) "kubernetesAuth" true) -}}
{{- $_ := set $config "metrics" (dict "listen" ":9003") -}}
{{- $authz := dict "listen" ":9001" "http" ":9002" -}}
{{- if .Values.authzServer.tls.existingSecret -}}
{{- $files := dict "certificate" "/run/ip-sentry/authz-tls/tls.crt" "key" "/run/ip-sentry/authz-tls/tls.key" -}}
{{- if .Values.authzServer.tls.clientCa -}}{{- $_ := set $files "clientCa" "/run/ip-sentry/authz-tls/ca.crt" -}}{{- end -}}
{{- $_ := set $authz "tls" $files -}}
{{- end -}}
{{- $_ := set $config "authz" $authz -}}
{{- $enforcer := dict "interval" (printf "%ds" (int64 .Values.enforcer.intervalSeconds)) -}}
{{- if .Values.enforcer.hostBinaries -}}{{- $_ := set $enforcer "hostBinaries" true -}}{{- end -}}
{{- $_ := set $config "enforcer" $enforcer -}}
{{- $config = include "ip-sentry.overlay" (dict "base" $config "over" .Values.config) | fromJson -}}
{{- range list "sources" "rules" "store" "admin" "metrics" "authz" "enforcer" -}}
{{- if not (hasKey $config .) -}}{{- fail (printf "config.%s is null; leave it out, or see enabled: false of the component" .) -}}{{- end -}}
{{- end -}}
{{- /* YAML of values is of version 1.1, where the words on and off are truth values, as keys too. */ -}}
{{- $rules := list -}}
{{- range $rule := $config.rules -}}
{{- if hasKey $rule "true" -}}{{- $rule = merge (dict "on" (get $rule "true")) (omit $rule "true") -}}{{- end -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- $_ := set $config "rules" $rules -}}
{{- if eq (toString $config.metrics.listen) "false" -}}{{- $_ := set $config.metrics "listen" "off" -}}{{- end -}}
{{- $config | toJson -}}
{{- end -}}

{{/* Of the watchers. They count the hits of requests for all authz-servers, so they know its policies, but serve nobody. */}}
{{- define "ip-sentry.config.watcher" -}}
{{- $config := omit (include "ip-sentry.config" . | fromJson) "enforcer" -}}
{{- if .Values.authzServer.enabled -}}
{{- $_ := set $config "authz" (merge (dict "callers" (list "127.0.0.1")) (omit $config.authz "tls" "callers")) -}}
{{- else -}}
{{- $config = omit $config "authz" -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- define "ip-sentry.config.authzServer" -}}
{{- $config := omit (include "ip-sentry.config" . | fromJson) "enforcer" "admin" "sinks" -}}
{{- $_ := set $config "store" (pick $config.store "kubernetes" "leader") -}}
{{- toYaml $config -}}
{{- end -}}

{{/* Without logs to read it needs no rules, so that a change of them concerns no node. */}}
{{- define "ip-sentry.config.enforcer" -}}
{{- $config := omit (include "ip-sentry.config" . | fromJson) "authz" "admin" "sinks" -}}
{{- if include "ip-sentry.hasAgent" . -}}
{{- $_ := set $config "enforcer" (merge $config.enforcer (dict "agent" true)) -}}
{{- else -}}
{{- $config = omit $config "sources" "rules" "limits" "ipv6" -}}
{{- end -}}
{{- $_ := set $config "store" (pick $config.store "kubernetes" "leader") -}}
{{- toYaml $config -}}
{{- end -}}

{{/* The keys that a process reads at its start only (docs/configuration.md, Reading it again): pods restart when one of them changes, and for nothing else. Takes the document as a dict. */}}
{{- define "ip-sentry.restartKeys" -}}
{{- $keys := dict "store" (omit .store "path") "metrics" (default dict .metrics) -}}
{{- $_ := set $keys "admin" (pick (default dict .admin) "socket" "listen" "tls" "kubernetesAuth") -}}
{{- $_ := set $keys "authz" (pick (default dict .authz) "listen" "http" "tls") -}}
{{- $_ := set $keys "limits" (pick (default dict .limits) "trackedAddressesBytes") -}}
{{- $_ := set $keys "ipv6" (pick (default dict .ipv6) "countPrefix") -}}
{{- $_ := set $keys "enforcer" (pick (default dict .enforcer) "name" "backend" "hook" "agent" "hostBinaries") -}}
{{- $keys | toJson | sha256sum -}}
{{- end -}}

{{/* Namespaces whose pods' logs are read, as JSON. */}}
{{- define "ip-sentry.podNamespaces" -}}
{{- $defaults := dict -}}
{{- $values := .Values -}}
{{- range $name, $preset := include "ip-sentry.presets" . | fromJson -}}
{{- $_ := set $defaults $preset.preset (get $values $preset.values).namespace -}}
{{- end -}}
{{- $namespaces := list -}}
{{- range $source := (include "ip-sentry.config" . | fromJson).sources -}}
{{- with $source.pods -}}
{{- $pods := . -}}
{{- if kindIs "string" . -}}{{- $pods = dict "preset" . -}}{{- end -}}
{{- $namespace := $pods.namespace | default (get $defaults (default "" $pods.preset)) -}}
{{- if not $namespace -}}{{- fail (printf "the source %s has pods without a namespace; write one" (default "" $source.name)) -}}{{- end -}}
{{- $namespaces = append $namespaces $namespace -}}
{{- end -}}
{{- end -}}
{{- $namespaces | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* Not empty, if nodes read logs of their own. */}}
{{- define "ip-sentry.hasAgent" -}}
{{- range $source := (include "ip-sentry.config" . | fromJson).sources -}}
{{- if eq (default "watcher" $source.reader) "agent" -}}yes{{- end -}}
{{- end -}}
{{- end -}}
