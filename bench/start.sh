#!/usr/bin/env bash
# How long ./ip-sentry --version takes after its first use, beside the bare JVM, in turns. Limit: 0.5 s.
#
#   bench/start.sh [RUNS]
set -euo pipefail
runs=${1:-10}
root=$(cd "$(dirname "$0")/.." && pwd -P)
. "$root/.mvn/find-jdk.sh"
find_jdk 25 java || { no_jdk start.sh 'this benchmark'; exit 3; }
"$root/ip-sentry" --version >/dev/null
seconds() { # seconds COMMAND...: wall seconds of one run
  local began ended
  began=$(date +%s%N)
  "$@" >/dev/null 2>&1
  ended=$(date +%s%N)
  awk -v ns=$((ended - began)) 'BEGIN { printf "%.3f\n", ns / 1e9 }'
}
for ((i = 0; i < runs; i++)); do
  printf '%s %s\n' "$(seconds "$root/ip-sentry" --version)" "$(seconds "$JDK_HOME/bin/java" -version)"
done | sort -n | awk '
  { start[NR] = $1; jvm[NR] = $2 }
  END { printf "ip-sentry --version: min %.3f s, median %.3f s, max %.3f s; java -version (same order): median %.3f s; limit 0.5 s\n",
               start[1], start[int((NR + 1) / 2)], start[NR], jvm[int((NR + 1) / 2)] }'
