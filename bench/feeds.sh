#!/usr/bin/env bash
# How long a feed takes that comes for the first time, in a new process with the launcher's flags: read to prefixes, stored, and
# loaded from the store again; and the memory for it. To reach: 3 s for a million prefixes, within the watcher's 160 MiB.
#
#   bench/feeds.sh [PREFIXES [RUNS]]     default: 1000000 3
#
# The first use builds.
set -euo pipefail
. "$(dirname "$0")/classpath.sh"
for format in plain drop; do
  for _ in $(seq "${2:-3}"); do
    "$JDK_HOME/bin/java" -XX:+UseSerialGC -Xms64m -Xmn16m -XX:-UsePerfData -XX:+UseCompactObjectHeaders --enable-native-access=ALL-UNNAMED -cp "$BENCH_CLASSPATH" \
      io.ipsentry.bench.feed.FeedLoad "${1:-1000000}" "$format"
  done
done
