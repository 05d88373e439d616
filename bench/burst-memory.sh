#!/usr/bin/env bash
# Memory of two watchers and an enforcer, as the launcher starts them, that are up to date when many bans arrive at once in the log of a real
# API server: before, at most, and some seconds afterwards; and how long until the enforcer's kernel has them all. In a network namespace
# of its own, with the kernel's sets. To reach with 100,000 bans: enforcer 96 MiB afterwards and 128 at most, watchers 160 and 256.
#
#   bench/burst-memory.sh [BANS [SECONDS[,SECONDS...]]]     default: 100000 10,30,60; when memory is read after the burst
#
# IP_SENTRY_JAVA_OPTS reaches the processes. Needs root, ip, ipset, and the programs of conformance-tests/build-kubernetes.sh. The first use builds.
set -euo pipefail
. "$(dirname "$0")/classpath.sh"
"$root/ip-sentry" --version >/dev/null
export IP_SENTRY_NO_BUILD=1 # what is measured is one build
# Where the API server's programs are looked for is relative to a module.
cd "$root/bench"
exec unshare --net sh -c 'ip link set lo up; exec "$@"' sh "$JDK_HOME/bin/java" -cp "$BENCH_CLASSPATH" \
  io.ipsentry.bench.cluster.BurstMemory "${1:-100000}" "${2:-10,30,60}" "$root/ip-sentry"
