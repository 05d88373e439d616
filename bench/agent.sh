#!/usr/bin/env bash
# What one `ip-sentry agent`, as the launcher starts it, takes for many lines a second: a container's log in the form of the CRI, rotated each
# second, that is written at a steady pace; 0.1 % of the lines are hits, which go to an `ip-sentry run` by HitService. Processor time and
# memory of both, bytes that were sent, and whether every hit was counted once. On loopback and in a directory of its own.
#
#   bench/agent.sh [LINES_PER_SECOND [SECONDS [LINES_A_HIT]]]     default: 200000 20 1000
#
# The first use builds. Files of the last two seconds are kept: 100 MB or so at 200,000 lines a second.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd -P)
lines=${1:-200000}
seconds=${2:-20}
each=${3:-1000}
parts=10 # of a second
"$root/ip-sentry" --version >/dev/null
export IP_SENTRY_NO_BUILD=1 # what is measured is one build

dir=$(mktemp -d /tmp/ip-sentry-agent.XXXXXX)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || :; done
  rm -rf "$dir"
}
trap cleanup EXIT

rules='rules: [{ name: probing, match: { packs: [default], anyStatus: true }, threshold: 10000, window: 1h }]'
: >"$dir/own.log"
cat >"$dir/run.yaml" <<END
sources: [{ file: $dir/own.log, format: combined }]
$rules
store: { path: $dir/run.db }
admin: { socket: $dir/admin.sock }
metrics: { listen: "127.0.0.1:19003" }
END
cat >"$dir/agent.yaml" <<END
sources: [{ name: pods, file: $dir/containers/*.log, format: combined, reader: agent }]
$rules
metrics: { listen: "127.0.0.1:19004" }
END

# One part of a second, over and over: what it costs to write it must not be measured.
awk -v n=$((lines / parts)) -v each="$each" -v at="$(date -u +%Y-%m-%dT%H:%M:%S)" 'BEGIN {
  for (i = 1; i <= n; i++) {
    hit = i % each == 0
    printf "%s.%09dZ stdout F 203.0.%d.%d - - [26/Nov/2026:10:00:00 +0000] \"GET %s HTTP/1.1\" %d %d \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0\"\n", \
      at, i, 112 + i % 4, i % 256, hit ? "/.env" : "/assets/app-" i % 997 ".js?v=" i, hit ? 404 : 200, i % 9999
  }
}' >"$dir/part"
hits=$(grep -c '/\.env' "$dir/part")
bytes=$(stat -c %s "$dir/part")

ready() {
  for _ in $(seq 300); do
    if curl -sf -o /dev/null "http://127.0.0.1:$1/readyz"; then return; fi
    sleep 0.1
  done
  echo "not ready: $(curl -s "http://127.0.0.1:$1/readyz")" >&2
  tail -n 5 "$dir"/*.err >&2
  exit 1
}
metric() { curl -s "http://127.0.0.1:$1/metrics" | awk -v name="$2" '$1 == name { printf "%d", $2 }'; }
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
resident() { awk -v key="$2:" '$1 == key { printf "%d", $2 / 1024 }' "/proc/$1/status"; }

mkdir -p "$dir/pods" "$dir/containers"
: >"$dir/pods/0.log"
ln -s "$dir/pods/0.log" "$dir/containers/web_shop_nginx-0.log"
"$root/ip-sentry" run --config "$dir/run.yaml" >/dev/null 2>"$dir/run.err" &
owner=$!
pids+=("$owner")
ready 19003
"$root/ip-sentry" agent --config "$dir/agent.yaml" --socket "$dir/admin.sock" --checkpoints "$dir/agent.db" >/dev/null 2>"$dir/agent.err" &
agent=$!
pids+=("$agent")
ready 19004

# Some seconds before it counts, for the compiler.
write() {
  local begin=$EPOCHREALTIME second part
  for second in $(seq "$1"); do
    for part in $(seq "$parts"); do
      cat "$dir/part" >>"$dir/pods/0.log"
      sleep "$(awk -v b="$begin" -v now="$EPOCHREALTIME" -v due="$(((second - 1) * parts + part))" -v parts="$parts" \
        'BEGIN { left = b + due / parts - now; printf "%.4f", (left > 0 ? left : 0) }')"
    done
    mv "$dir/pods/0.log" "$dir/pods/0.log.$(date +%Y%m%d-%H%M%S)-$RANDOM"
    : >"$dir/pods/0.log"
    find "$dir/pods" -name '0.log.*' -mmin +0.05 -delete
  done
}
write 5
agent_ticks=$(ticks "$agent")
owner_ticks=$(ticks "$owner")
sent=$(metric 19004 ip_sentry_report_sent_bytes_total)
begin=$EPOCHREALTIME
write "$seconds"
written=$EPOCHREALTIME
all=$(((seconds + 5) * parts * lines / parts))
for _ in $(seq 600); do
  read=$(metric 19004 'ip_sentry_lines_total{source="pods"}')
  if [ "$read" -ge "$all" ]; then break; fi
  sleep 0.05
done
behind=$EPOCHREALTIME
for _ in $(seq 100); do
  if [ "$(metric 19004 ip_sentry_report_waiting)" = 0 ]; then break; fi
  sleep 0.05
done
ended=$EPOCHREALTIME
clock=$(getconf CLK_TCK)
awk -v b="$begin" -v w="$written" -v e="$ended" -v behind="$behind" -v lines="$lines" -v seconds="$seconds" -v bytes="$((bytes * parts))" \
  -v a="$(($(ticks "$agent") - agent_ticks))" -v o="$(($(ticks "$owner") - owner_ticks))" -v clock="$clock" \
  -v s="$(($(metric 19004 ip_sentry_report_sent_bytes_total) - sent))" -v hits="$((hits * parts))" 'BEGIN {
    n = lines * seconds
    printf "written            %d lines in %.1f s (%d lines/s asked for, %.0f MB/s)\n", n, w - b, lines, bytes / 1e6
    printf "read behind that   %.2f s\n", behind - w
    printf "agent              %.2f s of processor time, %.0f %% of a core, %.2f us a line\n", a / clock, 100 * a / clock / (e - b), 1e6 * a / clock / n
    printf "owner              %.2f s, %.1f %% of a core\n", o / clock, 100 * o / clock / (e - b)
    printf "sent               %d bytes: %.0f a hit, %.1f kB/s, %.5f of what was read\n", s, s / (hits * seconds), s / 1e3 / seconds, s / (bytes * seconds)
  }'
echo "resident           agent $(resident "$agent" VmRSS) MiB ($(resident "$agent" VmHWM) at most), owner $(resident "$owner" VmRSS) MiB"
read=$(metric 19004 'ip_sentry_lines_total{source="pods"}')
counted=$(metric 19003 'ip_sentry_hits_total{rule="probing"}')
expected=$(((seconds + 5) * hits * parts))
echo "lines read         $read of $all"
echo "hits counted       $counted of $expected, lost $(metric 19004 ip_sentry_report_lost_total), checkpoints $(du -kc "$dir"/agent.db* | tail -n 1 | cut -f1) kB"
[ "$read" = "$all" ] && [ "$counted" = "$expected" ]
