#!/bin/sh
# Builds a real kube-apiserver, etcd and kubectl for the tests that need a cluster, once: prints the directory they are in.
#
# They come from their Go modules (kubernetes-programs/go.mod), by way of Go's module proxy and checked against go.sum, and land outside the
# checkout, in ${XDG_CACHE_HOME:-~/.cache}/ip-sentry/kubernetes/k8s/VERSION-OS-ARCHITECTURE/, the layout of io.fabric8:kube-api-test. The first
# time takes some 7 minutes of processor time and 4 GB of Go's own caches.
#
#   --find  builds nothing: fails (exit code 1) if they are not there yet
#
#   KUBEBUILDER_ASSETS      a directory that has the three programs: is taken instead, as controller-runtime's envtest does
#   BUILD_KUBERNETES_JOBS   how many packages are compiled at a time; default 2
#
# Only one of them builds at a time; the others wait for it. Exit codes: 0 they are there, 1 they are not, 3 they could not be built.
set -eu

complain() {
  printf 'build-kubernetes: %s\n' "$1" >&2
}

has_all() {
  [ -x "$1/etcd" ] && [ -x "$1/kube-apiserver" ] && [ -x "$1/kubectl" ]
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  if has_all "$KUBEBUILDER_ASSETS"; then
    printf '%s\n' "$KUBEBUILDER_ASSETS"
    exit 0
  fi
  complain "KUBEBUILDER_ASSETS is $KUBEBUILDER_ASSETS, which lacks etcd, kube-apiserver or kubectl; correct or unset it"
  exit 3
fi

module=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)/kubernetes-programs
version=$(sed -n 's|^.*k8s\.io/kubernetes v\([0-9][0-9.]*\).*$|\1|p' "$module/go.mod" | head -n 1)
case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  *) architecture=$(uname -m) ;;
esac
root=${XDG_CACHE_HOME:-$HOME/.cache}/ip-sentry/kubernetes
programs=$root/k8s/$version-$(uname -s | tr '[:upper:]' '[:lower:]')-$architecture

if has_all "$programs"; then
  printf '%s\n' "$programs"
  exit 0
fi
[ "${1:-}" != --find ] || exit 1
if ! command -v go >/dev/null 2>&1; then
  complain 'no Go here; see https://go.dev/dl/, or let KUBEBUILDER_ASSETS name a directory with etcd, kube-apiserver and kubectl'
  exit 3
fi

# The lock goes with this process, however it ends. Without flock(1), two at once build twice, which is only slow.
mkdir -p "$root/k8s"
exec 9>"$root/lock"
if command -v flock >/dev/null 2>&1; then
  flock 9
  if has_all "$programs"; then
    printf '%s\n' "$programs"
    exit 0
  fi
  # What earlier ones left that were killed: nobody else is at work.
  rm -rf "$root"/build.*
fi
work=$(mktemp -d "$root/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# What `kubectl version` and the API server's /version say. The modules alone do not know it.
stamps=
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  minor=${version#*.}
  stamps="$stamps -X $package.gitVersion=v$version -X $package.gitMajor=${version%%.*} -X $package.gitMinor=${minor%%.*} -X $package.gitTreeState=clean"
done

# build NAME PACKAGE. Without cgo, so that they run on any Linux. An older Go gets the one that go.mod names from the module proxy.
build() {
  CGO_ENABLED=0 GOTOOLCHAIN=auto GOFLAGS="${GOFLAGS:-} -mod=readonly" go build -p "${BUILD_KUBERNETES_JOBS:-2}" -buildvcs=false -trimpath \
    -ldflags "-s -w$stamps" -o "$work/$1" "$2" >&2 9>&- || {
    complain "could not build $1"
    exit 3
  }
}
cd "$module"
build etcd go.etcd.io/etcd/server/v3
build kubectl k8s.io/kubernetes/cmd/kubectl
build kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver

chmod 755 "$work"
rm -rf "$programs"
mv "$work" "$programs"
printf '%s\n' "$programs"
