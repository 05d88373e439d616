#!/usr/bin/env bash
# Holds the HTTP server for gateways against nginx that answers 200 by itself (return 200), in pairs, one after the other.
#
#   bench/forward-auth.sh [-s SECONDS] [-r ROUNDS] [-b BANS] [-n CONNECTIONS]
#
# Both servers run on core 0, the load (wrk) on core 1; both get the very call that nginx makes for auth_request, and ip-sentry judges
# it as `run` does. Prints for each round calls a second and processor time a call, their ratios (ip-sentry to nginx), the slowest
# answer, and how much of the round each thread that serves was ready to run and had to wait for its core; at last the medians, and
# the bytes that ip-sentry allocated for a call. Processor time is that of the thread that serves; where threads had to wait for more
# than a few percent, it alone means something: the machine does something else, and slow answers come from that.
#
# Needs nginx, wrk and taskset (Debian: nginx-light, wrk, util-linux). Working files lie in bench/target/forward-auth.
set -euo pipefail

seconds=5
rounds=5
bans=1000000
connections=32
while getopts 's:r:b:n:h' option; do
  case $option in
    s) seconds=$OPTARG ;;
    r) rounds=$OPTARG ;;
    b) bans=$OPTARG ;;
    n) connections=$OPTARG ;;
    *) sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 2 ;;
  esac
done

. "$(dirname "$0")/classpath.sh"
cd "$root"
export LC_ALL=C
PATH=$PATH:/usr/sbin
for program in nginx wrk taskset; do
  command -v "$program" >/dev/null || { printf 'forward-auth: needs %s\n' "$program" >&2; exit 3; }
done

here=$root/bench/target/forward-auth
rm -rf "$here"
mkdir -p "$here"
nginx_port=18091
own_port=18092

cat >"$here/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $here/nginx.pid;
error_log $here/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path $here/body; proxy_temp_path $here/proxy; fastcgi_temp_path $here/fastcgi;
  uwsgi_temp_path $here/uwsgi; scgi_temp_path $here/scgi;
  server { listen 127.0.0.1:$nginx_port; location / { return 200; } }
}
END

taskset -c 0 nginx -p "$here" -c "$here/nginx.conf" &
nginx=$!
coproc own {
  exec taskset -c 0 "$JDK_HOME/bin/java" -XX:+UseSerialGC -Xmx1g --enable-native-access=ALL-UNNAMED \
    -cp "$BENCH_CLASSPATH" io.ipsentry.bench.forwardauth.ForwardAuthTarget "$own_port" "$bans"
}
own_pid=$own_PID
trap 'kill "$nginx" "$own_pid" 2>/dev/null || true' EXIT
read -r ready <&"${own[0]}"
[ "$ready" = ready ]
worker=$(pgrep -P "$nginx")

status() { # status CLIENT: what ip-sentry answers for it
  exec 3<>"/dev/tcp/127.0.0.1/$own_port"
  printf 'GET /forward-auth HTTP/1.1\r\nHost: bench\r\nX-Forwarded-For: %s\r\nConnection: close\r\n\r\n' "$1" >&3
  read -r _ code _ <&3
  exec 3>&-
  printf '%s\n' "$code"
}

load() { # load PORT SECONDS: calls, and the slowest answer
  taskset -c 1 wrk -t 1 -c "$connections" -d "$2s" --timeout 30s -H 'X-Forwarded-For: 203.0.113.7' -H 'X-Forwarded-Method: GET' \
    -H 'X-Forwarded-Host: app.example' -H 'X-Forwarded-Uri: /products/42?page=3' -H 'User-Agent: Mozilla/5.0 (X11; Linux x86_64)' \
    "http://127.0.0.1:$1/forward-auth" >"$here/wrk.out"
  if grep -q 'Non-2xx\|Socket errors' "$here/wrk.out"; then cat "$here/wrk.out" >&2; exit 1; fi
  awk '$1 == "Latency" { worst = $4 } /requests in/ { print $1, worst }' "$here/wrk.out"
}

times() { # times TASK: nanoseconds of processor time, and of waiting for a processor (proc(5), schedstat)
  cut -d ' ' -f 1,2 "$1/schedstat"
}

measure() { # measure TASK PORT: calls a second, nanoseconds of processor time a call, slowest answer, percent of the time waited
  local ran waited calls worst ran_after waited_after
  read -r ran waited < <(times "$1")
  read -r calls worst < <(load "$2" "$seconds")
  read -r ran_after waited_after < <(times "$1")
  awk -v calls="$calls" -v seconds="$seconds" -v ran=$((ran_after - ran)) -v waited=$((waited_after - waited)) -v worst="$worst" \
    'BEGIN { printf "%.0f %.0f %s %.0f\n", calls / seconds, ran / calls, worst, waited / seconds / 1e7 }'
}

report() { # report: what the target says of the calls since the last time
  printf '\n' >&"${own[1]}"
  read -r line <&"${own[0]}"
  printf '%s\n' "$line"
}

if [ "$(status 203.0.113.7)" != 200 ] || { [ "$bans" -gt 0 ] && [ "$(status 198.51.100.7)" != 403 ]; }; then
  printf 'forward-auth: ip-sentry does not judge as it should\n' >&2
  exit 1
fi
printf 'warming up\n' >&2
load "$nginx_port" 2 >/dev/null
until [ "${warm:-0}" -ge 200000 ]; do
  read -r calls _ < <(load "$own_port" 5)
  warm=$((${warm:-0} + calls))
done
report >/dev/null
# The thread that serves; the compiler's and the collector's time is in the calls a second.
serving=$(dirname "$(grep -l '^gateway' /proc/"$own_pid"/task/*/comm | head -n 1)")

printf '%6s %10s %12s %9s %10s %10s %9s %12s %10s %12s %10s\n' \
  round nginx/s ip-sentry/s ratio nginx-ns own-ns cpu-ratio nginx-worst own-worst nginx-waited own-waited
for round in $(seq "$rounds"); do
  read -r nginx_rate nginx_ns nginx_worst nginx_waited < <(measure "/proc/$worker/task/$worker" "$nginx_port")
  read -r own_rate own_ns own_worst own_waited < <(measure "$serving" "$own_port")
  awk -v r="$round" -v a="$nginx_rate" -v b="$own_rate" -v c="$nginx_ns" -v d="$own_ns" -v e="$nginx_worst" -v f="$own_worst" \
    -v g="$nginx_waited" -v h="$own_waited" \
    'BEGIN { printf "%6d %10d %12d %9.2f %10d %10d %9.2f %12s %10s %11d%% %9d%%\n", r, a, b, b / a, c, d, d / c, e, f, g, h }' |
    tee -a "$here/rounds"
done
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
printf 'median ratio of calls a second: %s; of processor time a call: %s\n' \
  "$(awk '{ print $4 }' "$here/rounds" | median)" "$(awk '{ print $7 }' "$here/rounds" | median)"
report
