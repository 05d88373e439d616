#!/usr/bin/env bash
# Memory of `ip-sentry enforcer`, as the launcher starts it, and the time from its start until the kernel enforces the bans: on an
# empty kernel, and again on one that has them already. It follows a `run` on a store with so many bans, in a network namespace of
# its own. To reach: 96 MiB with 10,000 bans (goal 64), 192 MiB with a million; 1 s.
#
#   bench/enforcer-memory.sh [-i SECONDS] [BANS...]     default: 10000 1000000; -i: how long it idles before its memory is read, 30
#
# IP_SENTRY_JAVA_OPTS reaches the enforcer only. Needs root, ip and ipset. The first use builds.
set -euo pipefail
idle=30
while getopts i: option; do
  case $option in
    i) idle=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- 10000 1000000
root=$(cd "$(dirname "$0")/.." && pwd -P)
. "$root/.mvn/find-jdk.sh"
find_jdk 25 java || { no_jdk enforcer-memory.sh 'this benchmark'; exit 3; }
"$root/ip-sentry" --version >/dev/null
options=${IP_SENTRY_JAVA_OPTS:-}
unset IP_SENTRY_JAVA_OPTS
export IP_SENTRY_NO_BUILD=1 # what is measured is one build

namespace=ip-sentry-memory-$$
scratch=$(mktemp -d /tmp/ip-sentry-memory.XXXXXX) # short, for the path of a socket
owner=
enforcer=
stop() { # stop PID
  if [ -n "$1" ]; then kill "$1" 2>/dev/null || :; wait "$1" 2>/dev/null || :; fi
}
end() {
  stop "$enforcer"
  stop "$owner"
  ip netns delete "$namespace" 2>/dev/null || :
  rm -rf "$scratch"
}
trap end EXIT

read -r generation <"$root/.run/current"
store() { # store FILE BANS
  "$JDK_HOME/bin/java" --enable-native-access=ALL-UNNAMED -cp "$root/.run/$generation/lib/*" \
    "$root/bench/src/main/java/io/ipsentry/bench/BanStore.java" "$1" "$2"
}

await() { # await SECONDS COMMAND...
  local tries=$(($1 * 20))
  shift
  until "$@"; do
    ((tries-- > 0)) || { echo "enforcer-memory.sh: waited in vain for: $*" >&2; tail -n 5 "$scratch"/*.log >&2; exit 3; }
    sleep 0.05
  done
}

# Milliseconds since 1970 of the first line that says so.
said() { # said LOG TEXT
  date -d "$(grep -m 1 "$2" "$1" | sed 's/.*"time":"\([^"]*\)".*/\1/')" +%s%3N
}

memory() { # memory FIELD, in MiB
  awk -v field="$1:" '$1 == field { printf "%.0f", $2 / 1024 }' "/proc/$enforcer/status"
}

in_kernel() {
  ip netns exec "$namespace" ipset list -terse ip-blocker-4 | sed -n 's/Number of entries: //p'
}

printf '%10s %-8s %10s %8s %8s %12s %10s\n' bans kernel 'first sync' VmRSS VmHWM 'in kernel' cpu
for bans in "$@"; do
  store "$scratch/store.db" "$bans"
  cat >"$scratch/config.yaml" <<END
sources: [{ file: $scratch/access.log, format: combined }]
store: { path: $scratch/store.db }
admin: { socket: $scratch/admin.sock }
metrics: { listen: "off" }
END
  printf 'enforcer: { backend: ipset, interval: 10s }\nmetrics: { listen: "off" }\n' >"$scratch/enforcer.yaml"
  : >"$scratch/access.log"
  "$root/ip-sentry" run --config "$scratch/config.yaml" 2>"$scratch/run.log" &
  owner=$!
  await 120 test -S "$scratch/admin.sock"
  ip netns add "$namespace"
  ip netns exec "$namespace" ip link set lo up
  for kernel in empty adopted; do
    : >"$scratch/enforcer.log"
    started=$(date +%s%3N)
    IP_SENTRY_JAVA_OPTS=$options ip netns exec "$namespace" "$root/ip-sentry" enforcer --config "$scratch/enforcer.yaml" \
      --socket "$scratch/admin.sock" >"$scratch/enforcer.log" 2>&1 &
    enforcer=$!
    await 120 grep -q 'the kernel enforces the bans' "$scratch/enforcer.log"
    sync=$(($(said "$scratch/enforcer.log" 'the kernel enforces the bans') - started))
    sleep "$idle"
    # User and system time, in hundredths of a second on every Linux of today.
    cpu=$(awk '{ printf "%.1f", ($14 + $15) / 100 }' "/proc/$enforcer/stat")
    printf '%10d %-8s %7d ms %4d MiB %4d MiB %12s %8s s\n' "$bans" "$kernel" "$sync" "$(memory VmRSS)" "$(memory VmHWM)" "$(in_kernel)" "$cpu"
    stop "$enforcer"
    enforcer=
  done
  stop "$owner"
  owner=
  ip netns delete "$namespace"
  rm -f "$scratch"/store.db* "$scratch/admin.sock"
done
