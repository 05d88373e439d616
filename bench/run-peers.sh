#!/usr/bin/env bash
# Holds ip-sentry against its peers on made-up logs, one after the other on one core, and prints a table.
#
#   bench/run-peers.sh [-n NGINX_LINES] [-t TRAEFIK_LINES] [-r ROUNDS] [-c CORE]
#
# Peers: GNU grep -E with the same patterns (it only finds the lines) and fail2ban's filter (if the package is there; on the first
# lines of the same log, because it is slow). Each runs ROUNDS times, in turns; the best counts. "lines/s" is by
# processor time, user and system, of the whole process with its start, so another load on the machine spoils it less; "wall" is
# what a clock shows. For ip-sentry two more rows leave out the start of the JVM: one by processor time (less that of the same
# command on the first line alone), one by ip-sentry's own clock, which only a quiet machine makes a fair number.
#
# Logs and results lie in bench/target/peers. Needs bash, GNU grep, taskset, python3 with fail2ban for that peer.
set -euo pipefail

nginx_lines=5000000
traefik_lines=1000000
rounds=3
core=0
while getopts 'n:t:r:c:h' option; do
  case $option in
    n) nginx_lines=$OPTARG ;;
    t) traefik_lines=$OPTARG ;;
    r) rounds=$OPTARG ;;
    c) core=$OPTARG ;;
    *) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 2 ;;
  esac
done

root=$(cd "$(dirname "$0")/.." && pwd -P)
here=$root/bench/target/peers
mkdir -p "$here"
export LC_ALL=C

say() { printf 'run-peers: %s\n' "$1" >&2; }

# --- logs -----------------------------------------------------------------------------------------------------------

. "$root/.mvn/find-jdk.sh"
wanted="$nginx_lines $traefik_lines $(cksum <"$root/bench/src/main/java/io/ipsentry/bench/PeerLogs.java")"
if [ "$(cat "$here/made" 2>/dev/null || true)" != "$wanted" ]; then
  say "writing $nginx_lines nginx and $traefik_lines Traefik lines"
  find_jdk 25 java || { no_jdk run-peers 'the writer of the logs'; exit 3; }
  "$JDK_HOME/bin/java" "$root/bench/src/main/java/io/ipsentry/bench/PeerLogs.java" "$here" "$nginx_lines" "$traefik_lines"
  printf '%s' "$wanted" >"$here/made"
fi
nginx_sample=$((nginx_lines < 100000 ? nginx_lines : 100000))
traefik_sample=$((traefik_lines < 20000 ? traefik_lines : 20000))
head -n "$nginx_sample" "$here/nginx.log" >"$here/nginx.sample"
head -n "$traefik_sample" "$here/traefik.json" >"$here/traefik.sample"
head -n 1 "$here/nginx.log" >"$here/nginx.first"
head -n 1 "$here/traefik.json" >"$here/traefik.first"

# --- peers ----------------------------------------------------------------------------------------------------------

probes='"[A-Z]+ /(wp-admin|wp-login\.php|xmlrpc\.php|\.env|\.git/|\.aws/|\.ssh/|phpmyadmin|manager/html|admin\.php'
probes=$probes'|config\.php|setup\.php|shell\.php|eval\.php|boaform/)'

peer() { # peer NAME LOG: runs it, its own words in $here/NAME.out
  case $1 in
    ip-sentry-nginx | start-nginx)
      "$root/ip-sentry" replay --config "$root/bench/peers/nginx.yaml" --format combined -o json "$2" \
        >"$here/$1.bans" 2>"$here/$1.out" ;;
    ip-sentry-traefik | start-traefik)
      "$root/ip-sentry" replay --config "$root/bench/peers/traefik.yaml" --format traefik-json -o json "$2" \
        >"$here/$1.bans" 2>"$here/$1.out" ;;
    grep-nginx) grep -E -c "$probes" "$2" >"$here/$1.out" ;;
    grep-traefik) grep -E -c '"OriginStatus":(401|402|403|404|405),' "$2" >"$here/$1.out" ;;
    fail2ban-*) python3 "$root/bench/peers/fail2ban_filter.py" "${1#fail2ban-}" "$2" 2>"$here/$1.out" ;;
  esac
}

declare -A best_cpu best_wall
run() { # run NAME LOG: keeps the smallest processor and wall time
  local name=$1 times wall cpu
  TIMEFORMAT='%R %U %S'
  times=$({ time peer "$name" "$2"; } 2>&1) || { cat "$here/$name.out" >&2; say "$name failed"; return 1; }
  read -r wall cpu < <(awk '{ print $1, $2 + $3 }' <<<"${times##*$'\n'}")
  best_cpu[$name]=$(awk -v a="${best_cpu[$name]:-1e9}" -v b="$cpu" 'BEGIN { print a < b ? a : b }')
  best_wall[$name]=$(awk -v a="${best_wall[$name]:-1e9}" -v b="$wall" 'BEGIN { print a < b ? a : b }')
}

# Everything from here on runs on that core.
taskset -cp "$core" $$ >/dev/null

"$root/ip-sentry" --version >/dev/null
peers=(grep ip-sentry start)
if python3 -c 'import sys; sys.path.append("/usr/lib/python3/dist-packages"); import fail2ban.server.filter' 2>/dev/null; then
  peers+=(fail2ban)
else
  say 'no fail2ban here (Debian package fail2ban): left out'
fi

for round in $(seq "$rounds"); do
  for log in nginx traefik; do
    for name in "${peers[@]}"; do
      say "round $round of $rounds: $name, $log"
      file=$here/nginx.log
      [ "$log" = traefik ] && file=$here/traefik.json
      [ "$name" = fail2ban ] && file=$here/$log.sample
      [ "$name" = start ] && file=$here/$log.first
      cat "$file" >/dev/null
      run "$name-$log" "$file"
    done
  done
done

# --- table ----------------------------------------------------------------------------------------------------------

row() { # row LABEL LINES CPU WALL BASE: BASE is lines/s that count as 1
  awk -v label="$1" -v lines="$2" -v cpu="$3" -v wall="$4" -v base="$5" 'BEGIN {
    if (cpu + 0 < 0.001) cpu = 0.001
    printf "%-34s %9d %8.2f %8.2f %11.0f %10.4f\n", label, lines, cpu, wall, lines / cpu, lines / cpu / base
  }'
}

table() { # table LOG LINES SAMPLE
  local base own
  base=$(awk -v lines="$2" -v cpu="${best_cpu[grep-$1]}" 'BEGIN { print lines / (cpu < 0.001 ? 0.001 : cpu) }')
  printf '\n%-34s %9s %8s %8s %11s %10s\n' "$1 ($(wc -c <"$here/$4" | awk -v n="$2" '{ printf "%.0f", $1 / n }') bytes a line)" \
    lines 'cpu s' 'wall s' lines/s '× grep'
  row 'GNU grep -E (finds lines only)' "$2" "${best_cpu[grep-$1]}" "${best_wall[grep-$1]}" "$base"
  row 'ip-sentry replay, whole process' "$2" "${best_cpu[ip-sentry-$1]}" "${best_wall[ip-sentry-$1]}" "$base"
  own=$(awk -v all="${best_cpu[ip-sentry-$1]}" -v start="${best_cpu[start-$1]}" 'BEGIN { print all - start }')
  row 'ip-sentry replay, less its start' "$2" "$own" "$own" "$base"
  own=$(tail -n 1 "$here/ip-sentry-$1.out" | sed -n 's/.*seconds=\([0-9.]*\).*/\1/p')
  if [ -n "$own" ]; then
    row 'ip-sentry replay, its own clock' "$2" "$own" "$own" "$base"
  fi
  if [ -n "${best_cpu[fail2ban-$1]:-}" ]; then
    own=$(sed -n 's/.*seconds=\([0-9.]*\).*/\1/p' "$here/fail2ban-$1.out")
    row 'fail2ban filter, without its start' "$3" "$own" "${best_wall[fail2ban-$1]}" "$base"
  fi
  tail -n 1 "$here/ip-sentry-$1.out" | sed 's/^/  ip-sentry: /'
  [ -f "$here/fail2ban-$1.out" ] && tail -n 1 "$here/fail2ban-$1.out" | sed 's/^/  fail2ban:  /'
  sed 's/^/  grep:      matches=/' "$here/grep-$1.out"
}

table nginx "$nginx_lines" "$nginx_sample" nginx.log
table traefik "$traefik_lines" "$traefik_sample" traefik.json
