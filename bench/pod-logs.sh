#!/usr/bin/env bash
# How fast one `ip-sentry watcher`, as the launcher starts it, reads the logs of pods through the API server: a real API server and etcd, a
# kubelet of the tests that has the lines in memory, and so many pods with as many lines each; 0.1 % of them are hits. Lines a second over
# the second half, when the compiler is done, processor time of the watcher and of the API server for them, memory, and whether every line
# was read once. All on one machine, on loopback. Needs the programs that conformance-tests/build-kubernetes.sh builds.
#
#   bench/pod-logs.sh [LINES [PODS…]]     default: 600000 1 20
#
# The first use builds.
set -euo pipefail
. "$(dirname "$0")/classpath.sh"
cd "$root"
lines=${1:-600000}
shift || :
[ $# -gt 0 ] || set -- 1 20
"$root/ip-sentry" --version >/dev/null
export IP_SENTRY_NO_BUILD=1 # what is measured is one build

mkdir -p "$root/bench/target"
dir=$(mktemp -d "$root/bench/target/pod-logs.XXXXXX")
pids=()
cleanup() {
  exec 9>&- || :
  for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || :; done
  rm -rf "$dir"
}
trap cleanup EXIT
metric() { curl -s "http://127.0.0.1:19003/metrics" | awk -v name="$1" '$1 == name { printf "%d", $2 }'; }
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
clock=$(getconf CLK_TCK)

measure() {
  local pods=$1 own="$dir/$1" kubeconfig namespace api server watcher read half begin end w a
  mkdir -p "$own/cluster"
  mkfifo "$own/stdin"
  (cd bench && exec "$JDK_HOME/bin/java" -XX:+UseSerialGC -Xmx1g -cp "$BENCH_CLASSPATH" io.ipsentry.bench.cluster.PodLogServer \
    "$own/cluster" "$pods" "$lines" 1000) <"$own/stdin" >"$own/server" 2>"$own/server.err" &
  server=$!
  pids+=("$server")
  exec 9>"$own/stdin"
  for _ in $(seq 600); do
    [ ! -s "$own/server" ] || break
    kill -0 "$server" 2>/dev/null || { cat "$own/server.err" >&2; exit 1; }
    sleep 0.1
  done
  read -r kubeconfig namespace api <"$own/server"
  cat >"$own/watcher.yaml" <<END
sources: [{ name: gateway, pods: { namespace: $namespace, selector: app=gateway }, format: combined }]
rules: [{ name: probing, match: { packs: [default], anyStatus: true }, threshold: 10000, window: 1h }]
store: { kubernetes: { kubeconfig: $kubeconfig, namespace: $namespace, release: bench }, leader: { lease: 5s } }
admin: { socket: $own/admin.sock }
metrics: { listen: "127.0.0.1:19003" }
END
  "$root/ip-sentry" watcher --config "$own/watcher.yaml" >/dev/null 2>"$own/watcher.err" &
  watcher=$!
  pids+=("$watcher")
  half=0
  for _ in $(seq 3000); do
    read=$(metric 'ip_sentry_lines_total{source="gateway"}')
    if [ "$half" = 0 ] && [ "${read:-0}" -ge $((lines / 2)) ]; then
      half=$read begin=$EPOCHREALTIME w=$(ticks "$watcher") a=$(ticks "$api")
    fi
    [ "${read:-0}" -lt "$lines" ] || break
    sleep 0.02
  done
  end=$EPOCHREALTIME
  awk -v pods="$pods" -v n="$((read - half))" -v b="$begin" -v e="$end" -v clock="$clock" \
    -v w="$(($(ticks "$watcher") - w))" -v a="$(($(ticks "$api") - a))" \
    -v rss="$(awk '$1 == "VmHWM:" { printf "%d", $2 / 1024 }' "/proc/$watcher/status")" 'BEGIN {
      printf "%2d streams  %7.0f lines/s  watcher %.2f us a line, %3.0f %% of a core, %d MiB at most; API server %.2f us a line\n", \
        pods, n / (e - b), 1e6 * w / clock / n, 100 * w / clock / (e - b), rss, 1e6 * a / clock / n
    }'
  echo "            read $read of $lines, repeated $(metric 'ip_sentry_pod_lines_repeated_total{source="gateway"}'), gaps $(metric 'ip_sentry_pod_gaps_total{source="gateway"}'), hits $(metric 'ip_sentry_hits_total{rule="probing"}')"
  [ "$read" = "$lines" ] || { tail -n 5 "$own/watcher.err" >&2; exit 1; }
  kill "$watcher"
  wait "$watcher" 2>/dev/null || :
  exec 9>&-
  wait "$server" 2>/dev/null || :
}
for pods in "$@"; do measure "$pods"; done
