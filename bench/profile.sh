#!/usr/bin/env bash
# Where a replay spends its time and what it allocates: hot methods and allocation by class, from a flight recording.
#
#   bench/profile.sh LOG [REPLAY-OPTIONS...]
#
# Give it a log of a gigabyte or so, such as bench/target/peers/nginx.log that run-peers.sh writes.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 2; }
log=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd -P)
. "$root/.mvn/find-jdk.sh"
find_jdk 25 javac || { no_jdk profile.sh 'this benchmark'; exit 3; }
recording=$(mktemp -d)/replay.jfr
IP_SENTRY_JAVA_OPTS="-XX:TieredStopAtLevel=4 -XX:StartFlightRecording=filename=$recording,settings=profile -Xlog:jfr*=off" \
  "$root/ip-sentry" replay "$@" -o json "$log" >/dev/null
"$JDK_HOME/bin/jfr" view --width 140 hot-methods "$recording"
"$JDK_HOME/bin/jfr" view --width 140 allocation-by-class "$recording"
"$JDK_HOME/bin/jfr" summary "$recording" | grep -E 'Duration' || true
rm -f "$recording"
