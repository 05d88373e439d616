#!/bin/sh
# How long a ban takes into the log of a cluster, and from there to its followers, on a real API server and etcd:
# bench/cluster-log.sh [SECONDS [FOLLOWERS [RATE…]]], by default 30 s each at 1, 10 and 50 bans a second, 10 followers.
#
# bench/cluster-log.sh storm [FOLLOWERS [BANS]]: what the followers ask for, each second, when the API server was killed and
# comes back; by default 50 followers and a log of 200 entries. The seconds before are those in which they start.
#
# All in one machine: API server, etcd, a writer, and the followers with a client and a watch each. Prints also what a forced
# write of a kilobyte takes on the disk that etcd writes to, which every append waits for. Needs the programs that
# conformance-tests/build-kubernetes.sh builds.
set -eu
. "$(dirname "$0")/classpath.sh"
program=LogLatency
if [ "${1:-}" = storm ]; then
  program=RelistStorm
  set -- "${2:-50}" "${3:-200}"
elif [ $# -lt 3 ]; then
  set -- "${1:-30}" "${2:-10}" 1 10 50
fi
mkdir -p "$root/bench/target"
scratch=$(mktemp -d "$root/bench/target/cluster-log.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$root/bench"
"$JDK_HOME/bin/java" -XX:+UseSerialGC -Xmx256m -cp "$BENCH_CLASSPATH" "io.ipsentry.bench.cluster.$program" "$scratch" "$@"
