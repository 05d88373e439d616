#!/bin/sh
# Builds the real Traefik for the tests that put it in front, once: prints the path of its program.
#
# It comes from its Go module, by way of Go's module proxy and checked against Go's checksum database, and lands outside the checkout, in
# ${XDG_CACHE_HOME:-~/.cache}/ip-sentry/. The first time takes minutes and half a gigabyte of Go's own caches.
#
#   --find  builds nothing: fails (exit code 1) if it is not there yet
#
# Exit codes: 0 it is there, 1 it is not, 3 it could not be built.
set -eu
version=v3.7.9

cache=${XDG_CACHE_HOME:-$HOME/.cache}/ip-sentry
program=$cache/traefik-$version
if [ -x "$program" ]; then
  printf '%s\n' "$program"
  exit 0
fi
[ "${1:-}" != --find ] || exit 1
if ! command -v go >/dev/null 2>&1; then
  printf 'build-traefik: no Go here; see https://go.dev/dl/\n' >&2
  exit 3
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/build-traefik.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Outside any module, so that nobody's go.mod is asked or changed.
cd "$work"
module=$(go mod download -json "github.com/traefik/traefik/v3@$version" | sed -n 's/^.*"Dir": "\(.*\)",\{0,1\}$/\1/p')
[ -n "$module" ] || exit 3

# Its go.mod points to a directory that its module does not contain: a module that only marks where extensions would be.
# So it is built by a go.mod beside it that names a directory of ours.
mkdir ext
cat >ext/go.mod <<'END'
module github.com/traefik/traefik/dynamic/ext
END
cat >ext/ext.go <<'END'
package ext

type HTTP struct{}

type Router struct{}
END
sed "s|=> \./pkg/config/dynamic/ext|=> $work/ext|" "$module/go.mod" >traefik.mod
cp "$module/go.sum" traefik.sum
chmod u+w traefik.mod traefik.sum

cd "$module"
# Not VCS-stamped: the module cache is no repository. One package at a time: other tests may run beside it.
go build -p "${BUILD_TRAEFIK_JOBS:-2}" -buildvcs=false -trimpath -ldflags '-s -w' -modfile="$work/traefik.mod" -o "$work/traefik" ./cmd/traefik >&2 || exit 3
mv "$work/traefik" "$program"
printf '%s\n' "$program"
