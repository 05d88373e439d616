#!/bin/sh
# Checks over gRPC against a server that only echoes: bench/check.sh [SECONDS [PAIRS [CALLS_A_SECOND]]]
#
# SECONDS of each measurement of latencies, 0 for none; PAIRS of 60,000 calls each for the throughput.
#
# The servers run on core 0, the load on core 1. Needs h2load (Debian: nghttp2-client) and taskset.
set -eu
. "$(dirname "$0")/classpath.sh"
cd "$root"
for program in h2load taskset; do
  command -v "$program" >/dev/null 2>&1 || { printf 'check.sh: needs %s\n' "$program" >&2; exit 3; }
done
exec taskset -c 1 "$JDK_HOME/bin/java" -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED \
  -cp "$BENCH_CLASSPATH" \
  io.ipsentry.bench.check.CheckBenchmark "${1:-3}" "${2:-60}" "${3:-10000}" 0
