#!/usr/bin/env bash
# How long `ip-sentry authz-server` and `ip-sentry enforcer`, as the launcher starts them, take from their start until they know all of the
# log in a real API server, their memory then, when they are ready, at most, and some seconds later, when authz-server has answered 5,000
# checks over gRPC and as many over HTTP, and how many bytes they read for it (with TLS). First beside the entries that a snapshot covers,
# which stay for an hour, then without. In a network namespace of its own, with the kernel's sets.
# To reach: 5 s, 128 MiB, with 100,000 bans and a feed of a million prefixes.
#
#   bench/cluster-follower.sh [BANS [PREFIXES [RUNS [IDLE_SECONDS]]]]     default: 100000 1000000 3 10
#
# Needs root, ip, ipset, and the programs of conformance-tests/build-kubernetes.sh. The first use builds.
set -euo pipefail
. "$(dirname "$0")/classpath.sh"
"$root/ip-sentry" --version >/dev/null
export IP_SENTRY_NO_BUILD=1 # what is measured is one build
# Where the API server's programs are looked for is relative to a module.
cd "$root/bench"
exec unshare --net sh -c 'ip link set lo up; exec "$@"' sh "$JDK_HOME/bin/java" -cp "$BENCH_CLASSPATH" \
  io.ipsentry.bench.cluster.FollowerBootstrap "${1:-100000}" "${2:-1000000}" "${3:-3}" "${4:-10}" "$root/ip-sentry"
