#!/usr/bin/env bash
# How long ./ip-sentry takes after its first use: --version beside the bare JVM, in turns (limit: 0.5 s), and operator commands
# through the socket of a running instance (goal: 0.6 s on an idle machine). Wall time, and processor time (user and system),
# which another load on the machine spoils less. The launcher's caches are made before.
#
#   bench/start.sh [RUNS]
set -euo pipefail
runs=${1:-10}
root=$(cd "$(dirname "$0")/.." && pwd -P)
. "$root/.mvn/find-jdk.sh"
find_jdk 25 java || { no_jdk start.sh 'this benchmark'; exit 3; }
"$root/ip-sentry" --version >/dev/null

scratch=$(mktemp -d /tmp/ip-sentry-start.XXXXXX) # short, for the path of a socket
instance=
end() {
  if [ -n "$instance" ]; then kill "$instance" 2>/dev/null || :; wait "$instance" 2>/dev/null || :; fi
  rm -rf "$scratch"
}
trap end EXIT
: >"$scratch/access.log"
cat >"$scratch/config.yaml" <<END
sources: [{ file: $scratch/access.log, format: combined }]
store: { path: $scratch/store.db }
admin: { socket: $scratch/admin.sock }
metrics: { listen: "off" }
END
"$root/ip-sentry" run --config "$scratch/config.yaml" 2>"$scratch/run.log" &
instance=$!
for ((i = 0; i < 300; i++)); do
  [ ! -S "$scratch/admin.sock" ] || break
  sleep 0.1
done

TIMEFORMAT='%R %U %S'
row() { # row NAME COMMAND...: one run, appended to the row's file
  local name=$1
  shift
  { time "$@" >/dev/null 2>&1; } 2>>"$scratch/times.$name"
}
for ((i = 0; i < runs; i++)); do
  row java "$JDK_HOME/bin/java" -version
  row version "$root/ip-sentry" --version
  row list "$root/ip-sentry" list --socket "$scratch/admin.sock"
  row get "$root/ip-sentry" get 203.0.113.7 --socket "$scratch/admin.sock"
  row ban "$root/ip-sentry" ban "203.0.113.$((i % 250 + 1))" --socket "$scratch/admin.sock"
  row status "$root/ip-sentry" status --socket "$scratch/admin.sock"
done
printf '%-10s %10s %10s %10s %12s\n' what 'wall min' median max 'cpu median'
for name in java version list get ban status; do
  cpu=$(awk '{ printf "%.3f\n", $2 + $3 }' "$scratch/times.$name" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')
  sort -n "$scratch/times.$name" | awk -v name="$name" -v cpu="$cpu" \
    '{ v[NR] = $1 } END { printf "%-10s %8.3f s %8.3f s %8.3f s %10.3f s\n", name, v[1], v[int((NR + 1) / 2)], v[NR], cpu }'
done
