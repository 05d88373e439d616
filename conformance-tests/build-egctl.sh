#!/bin/sh
# Builds egctl, Envoy Gateway's own program, whose translator shows what Envoy is told of a policy, once: prints its path.
#
# It is compiled from its Go module, checked against Go's checksum database, and lands outside the checkout, in
# ${XDG_CACHE_HOME:-~/.cache}/ip-sentry/. That takes several minutes of two cores and 3 GB of Go's own cache, so ./run-tests does not do it
# by itself: EnvoyGatewayTranslatorIT is skipped until it is there.
#
#   --find  builds nothing: fails (exit code 1) if it is not there yet
#
# Exit codes: 0 it is there, 1 it is not, 3 it could not be built.
set -eu
version=v1.9.0 # that of get-gateway-crds.sh

directory=${XDG_CACHE_HOME:-$HOME/.cache}/ip-sentry/egctl-$version
if [ -x "$directory/egctl" ]; then
  printf '%s\n' "$directory/egctl"
  exit 0
fi
[ "${1:-}" != --find ] || exit 1
if ! command -v go >/dev/null 2>&1; then
  printf 'build-egctl: no Go here; see https://go.dev/dl/\n' >&2
  exit 3
fi

mkdir -p "$directory"
work=$(mktemp -d "$directory/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
# Outside any module, so that nobody's go.mod is asked or changed.
cd "$work"
GOBIN=$work go install "github.com/envoyproxy/gateway/cmd/egctl@$version" >&2 || exit 3
mv "$work/egctl" "$directory/egctl"
printf '%s\n' "$directory/egctl"
