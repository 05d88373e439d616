{{/* Where gateways ask authz-server. */}}
{{- define "ip-sentry.authzHost" -}}
{{ include "ip-sentry.fullname" . }}-authz-server.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end -}}

{{/* .Values.attach with every default, checked across its keys; as JSON. */}}
{{- define "ip-sentry.attachments" -}}
{{- $fullname := include "ip-sentry.fullname" . -}}
{{- $authz := (include "ip-sentry.config" . | fromJson).authz -}}
{{- if and .Values.attach (not .Values.authzServer.enabled) -}}{{- fail "attach needs authzServer.enabled: true, which gateways ask" -}}{{- end -}}
{{- if and .Values.attach (hasKey $authz "tls") -}}
{{- fail "attach writes gateways that ask without TLS, and authzServer.tls has a certificate; attach by hand, see docs/attach.md" -}}
{{- end -}}
{{- $all := list -}}
{{- $names := dict -}}
{{- range $index, $given := .Values.attach -}}
{{- $where := printf "attach[%d]" $index -}}
{{- $it := merge (dict) $given (dict "name" $fullname "policy" "" "timeout" "200ms" "accessLog" "none" "protocol" "grpc" "targetRefs" (list) "route" false) -}}
{{- $grpc := or (has $it.type (list "envoy-gateway" "istio")) (and (eq $it.type "external-auth") (eq $it.protocol "grpc")) -}}
{{- if and $grpc (not $authz.listen) -}}{{- fail (printf "%s: %s asks over gRPC, and config.authz.listen is null" $where $it.type) -}}{{- end -}}
{{- if and (not $grpc) (not $authz.http) -}}{{- fail (printf "%s: %s asks over HTTP, and config.authz.http is null" $where $it.type) -}}{{- end -}}
{{- if hasKey $given "failOpen" -}}
{{- if has $it.type (list "traefik" "external-auth") -}}
{{- fail (printf "%s.failOpen: %s knows only fail closed; config.authz.failOpen says what ip-sentry answers when it is in trouble" $where $it.type) -}}
{{- end -}}
{{- $_ := set $it "failOpen" $given.failOpen -}}
{{- else -}}{{- $_ := set $it "failOpen" true -}}{{- end -}}
{{- if and (hasKey $given "timeout") (has $it.type (list "traefik" "external-auth")) -}}
{{- fail (printf "%s.timeout: %s cannot be told one" $where $it.type) -}}
{{- end -}}
{{- if and (ne $it.accessLog "none") (not (has $it.type (list "envoy-gateway" "ngf"))) -}}
{{- fail (printf "%s.accessLog: only envoy-gateway and ngf have an object for it" $where) -}}
{{- end -}}
{{- if and (eq $it.type "ngf") (not (has $it.accessLog (list "none" "json"))) -}}{{- fail (printf "%s.accessLog: ngf knows json" $where) -}}{{- end -}}
{{- if and $it.route (ne $it.type "ngf") -}}{{- fail (printf "%s.route is for ngf" $where) -}}{{- end -}}
{{- $refs := list -}}
{{- range $ref := $it.targetRefs -}}
{{- $refs = append $refs (merge (dict) $ref (dict "group" "gateway.networking.k8s.io" "kind" "Gateway")) -}}
{{- end -}}
{{- $_ := set $it "targetRefs" $refs -}}
{{- $needsTargets := or (eq $it.type "envoy-gateway") (and (eq $it.type "ngf") (not $it.route)) (and (eq $it.type "istio") (not $it.selector)) -}}
{{- if and $needsTargets (not $refs) -}}{{- fail (printf "%s.targetRefs: write what is attached to, such as [{ kind: Gateway, name: public }]" $where) -}}{{- end -}}
{{- if and $refs (or $it.route (has $it.type (list "traefik" "external-auth"))) -}}
{{- fail (printf "%s.targetRefs: what is made here is named by a route or an entry point, and names none itself; remove it" $where) -}}
{{- end -}}
{{- $routes := 0 -}}
{{- range $refs -}}
{{- if ne .kind "Gateway" -}}{{- $routes = add1 $routes -}}{{- end -}}
{{- if and (eq $it.type "ngf") (or (ne .kind "Gateway") .sectionName) -}}{{- fail (printf "%s.targetRefs: a SnippetsPolicy of NGINX Gateway Fabric holds for a whole Gateway; for a route write route: true" $where) -}}{{- end -}}
{{- end -}}
{{- if and $routes (lt (int $routes) (len $refs)) -}}{{- fail (printf "%s.targetRefs mixes Gateways and routes; write an entry for each kind" $where) -}}{{- end -}}
{{- $_ := set $it "ofRoutes" (gt (int $routes) 0) -}}
{{- $key := printf "%s %s/%s" $it.type $it.namespace $it.name -}}
{{- if hasKey $names $key -}}{{- fail (printf "%s: there are two of %s named %s in %s; give one another name" $where $it.type $it.name $it.namespace) -}}{{- end -}}
{{- $_ := set $names $key true -}}
{{- $all = append $all $it -}}
{{- end -}}
{{- $all | toJson -}}
{{- end -}}

{{/* The snippets of NGINX Gateway Fabric. Names carry that of the attachment: a route may have one of its own beside its Gateway's. Takes a dict: root, it. */}}
{{- define "ip-sentry.ngfSnippets" -}}
{{- $id := printf "ip_sentry_%s" (regexReplaceAll "[^a-z0-9]" .it.name "_") -}}
{{- $path := ternary "/forward-auth" (printf "/policies/%s/forward-auth" .it.policy) (eq .it.policy "") -}}
- context: http
  value: |
    upstream {{ $id }} {
      zone {{ $id }} 64k;
      server {{ include "ip-sentry.authzHost" .root }}:9002;
      keepalive 32;
    }
- context: http.server
  value: |
    {{- if not .it.route }}
    auth_request /_{{ $id }};
    auth_request_set $ip_sentry $upstream_http_x_ip_sentry;
    {{- end }}
    location = /_{{ $id }} {
      internal;
      auth_request off;
      proxy_pass http://{{ $id }}{{ $path }};
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
      proxy_connect_timeout {{ .it.timeout }};
      proxy_send_timeout {{ .it.timeout }};
      proxy_read_timeout {{ .it.timeout }};
      {{- if .it.failOpen }}
      proxy_intercept_errors on;
      error_page 500 502 503 504 =204 @{{ $id }}_open;
      {{- end }}
    }
    {{- if .it.failOpen }}
    location @{{ $id }}_open {
      internal;
      auth_request off;
      return 204;
    }
    {{- end }}
{{- if .it.route }}
- context: http.server.location
  value: |
    auth_request /_{{ $id }};
    auth_request_set $ip_sentry $upstream_http_x_ip_sentry;
{{- end }}
{{- end -}}

{{/* Whose objects refer to the Service from another namespace, as the entries of a ReferenceGrant; as JSON. */}}
{{- define "ip-sentry.attachGrants" -}}
{{- $from := list -}}
{{- $own := .Release.Namespace -}}
{{- range $it := include "ip-sentry.attachments" . | fromJsonArray -}}
{{- if ne $it.namespace $own -}}
{{- if eq $it.type "envoy-gateway" -}}
{{- $from = append $from (dict "group" "gateway.envoyproxy.io" "kind" "SecurityPolicy" "namespace" $it.namespace) -}}
{{- if has $it.accessLog (list "als" "both") -}}
{{- $from = append $from (dict "group" "gateway.envoyproxy.io" "kind" "EnvoyProxy" "namespace" $it.namespace) -}}
{{- end -}}
{{- else if eq $it.type "external-auth" -}}
{{- $from = append $from (dict "group" "gateway.networking.k8s.io" "kind" "HTTPRoute" "namespace" $it.namespace) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $from | uniq | toJson -}}
{{- end -}}

{{/* What no object outside of the gateway's own configuration can say, by file name; as JSON. */}}
{{- define "ip-sentry.attachByHand" -}}
{{- $root := . -}}
{{- $files := dict -}}
{{- $service := printf "%s-authz-server" (include "ip-sentry.fullname" .) -}}
{{- range $it := include "ip-sentry.attachments" . | fromJsonArray -}}
{{- if eq $it.type "istio" -}}
{{- $provider := dict "service" (include "ip-sentry.authzHost" $root) "port" 9001 "timeout" $it.timeout "failOpen" $it.failOpen -}}
{{- $_ := set $files (printf "istio-mesh-config.%s.yaml" $it.name) (dict "extensionProviders" (list (dict "name" $it.name "envoyExtAuthzGrpc" $provider)) | toYaml) -}}
{{- else if eq $it.type "external-auth" -}}
{{- $auth := dict "protocol" (upper $it.protocol) "backendRef" (dict "name" $service "namespace" $root.Release.Namespace "port" (ternary 9001 9002 (eq $it.protocol "grpc"))) -}}
{{- $headers := list "x-forwarded-for" "x-envoy-external-address" "user-agent" -}}
{{- if eq $it.protocol "grpc" -}}
{{- $_ := set $auth "grpc" (dict "allowedHeaders" $headers) -}}
{{- else -}}
{{- $path := ternary "/ext-authz" (printf "/policies/%s/ext-authz" $it.policy) (eq $it.policy "") -}}
{{- $_ := set $auth "http" (dict "path" $path "allowedHeaders" $headers) -}}
{{- end -}}
{{- $_ := set $files (printf "httproute-filter.%s.%s.yaml" $it.namespace $it.name) (list (dict "type" "ExternalAuth" "externalAuth" $auth) | toYaml) -}}
{{- else if eq $it.type "traefik" -}}
{{- $_ := set $files (printf "traefik-entrypoint.%s.%s.yaml" $it.namespace $it.name) (dict "ports" (dict "websecure" (dict "http" (dict "middlewares" (list (printf "%s-%s@kubernetescrd" $it.namespace $it.name))))) | toYaml) -}}
{{- end -}}
{{- end -}}
{{- $files | toJson -}}
{{- end -}}
