#!/bin/sh
# Gets the definitions (CRDs) of the kinds that gateways bring, for the tests that render or make objects of them, once: prints the directory.
#
# They come out of the Go modules of the Gateway API (experimental channel), Envoy Gateway, Traefik and Istio, by way of Go's module proxy and
# checked against Go's checksum database, and land outside the checkout, in ${XDG_CACHE_HOME:-~/.cache}/ip-sentry/. The first time takes some
# 60 MB of Go's own cache. NGINX Gateway Fabric's module is not to be had that way: its definitions are written from its documentation, in
# test-support/src/main/resources/io/ipsentry/testing/cluster/ngf-crds.yaml.
#
#   --find  gets nothing: fails (exit code 1) if they are not there yet
#
# Exit codes: 0 they are there, 1 they are not, 3 they could not be had.
set -eu
gateway_api=v1.6.1
envoy_gateway=v1.9.0
traefik=v3.7.9
istio=v1.30.3

cache=${XDG_CACHE_HOME:-$HOME/.cache}/ip-sentry
crds=$cache/gateway-crds-$gateway_api-$envoy_gateway-$traefik-$istio
if [ -d "$crds" ]; then
  printf '%s\n' "$crds"
  exit 0
fi
[ "${1:-}" != --find ] || exit 1
if ! command -v go >/dev/null 2>&1; then
  printf 'get-gateway-crds: no Go here; see https://go.dev/dl/\n' >&2
  exit 3
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/get-gateway-crds.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/crds"

# Outside any module, so that nobody's go.mod is asked or changed.
cd "$work"
module() {
  go mod download -json "$1" | sed -n 's/^.*"Dir": "\(.*\)",\{0,1\}$/\1/p'
}

# take MODULE FOLDER FILE...
take() {
  directory=$(module "$1")
  [ -n "$directory" ] || exit 3
  folder=$directory/$2
  shift 2
  for file in "$@"; do
    cp "$folder/$file" "$work/crds/" || exit 3
  done
}

take "sigs.k8s.io/gateway-api@$gateway_api" config/crd/experimental \
  gateway.networking.k8s.io_gatewayclasses.yaml gateway.networking.k8s.io_gateways.yaml gateway.networking.k8s.io_httproutes.yaml \
  gateway.networking.k8s.io_referencegrants.yaml
take "github.com/envoyproxy/gateway@$envoy_gateway" charts/gateway-helm/charts/crds/crds/generated \
  gateway.envoyproxy.io_securitypolicies.yaml gateway.envoyproxy.io_envoyproxies.yaml
take "github.com/traefik/traefik/v3@$traefik" docs/content/reference/dynamic-configuration traefik.io_middlewares.yaml

# Istio has them all in one file, of which one document is wanted.
directory=$(module "istio.io/api@$istio")
[ -n "$directory" ] || exit 3
awk -v RS='---\n' '/\n  name: authorizationpolicies\.security\.istio\.io\n/' \
  "$directory/kubernetes/customresourcedefinitions.gen.yaml" >"$work/crds/security.istio.io_authorizationpolicies.yaml"
[ -s "$work/crds/security.istio.io_authorizationpolicies.yaml" ] || exit 3

chmod -R u+w "$work/crds"
# Another one may have been faster.
mv -T "$work/crds" "$crds" 2>/dev/null || [ -d "$crds" ] || exit 3
printf '%s\n' "$crds"
