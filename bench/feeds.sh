#!/usr/bin/env bash
# How long a feed takes that comes for the first time, in a new process with the launcher's flags: read to prefixes, stored, and
# loaded from the store again; and the memory for it. To reach: 3 s for a million prefixes, within the watcher's 160 MiB.
#
#   bench/feeds.sh [PREFIXES [RUNS]]     default: 1000000 3
#
# The first use builds.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd -P)
. "$root/.mvn/find-jdk.sh"
find_jdk 25 java || { no_jdk feeds.sh 'this benchmark'; exit 3; }
if [ -z "${BENCH_CLASSPATH:-}" ]; then
  (cd "$root" && JAVA_HOME=$JDK_HOME ./mvnw -q -Dquick -pl bench -am -DskipTests package dependency:build-classpath -Dmdep.outputFile=target/quick/classpath >&2)
  BENCH_CLASSPATH=$root/bench/target/quick/classes:$(cat "$root/bench/target/quick/classpath")
fi
for format in plain drop; do
  for _ in $(seq "${2:-3}"); do
    "$JDK_HOME/bin/java" -XX:+UseSerialGC -Xms64m -Xmn16m -XX:-UsePerfData -XX:+UseCompactObjectHeaders --enable-native-access=ALL-UNNAMED -cp "$BENCH_CLASSPATH" \
      io.ipsentry.bench.feed.FeedLoad "${1:-1000000}" "$format"
  done
done
