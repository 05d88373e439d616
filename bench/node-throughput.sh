#!/usr/bin/env bash
# What bans cost those who are not banned: requests a second of wrk, through a veth pair, to nginx in a network namespace, with no bans,
# with 100,000 and 1,000,000 in an ipset by the backend, and with 1,000 and 10,000 plain iptables rules (what fail2ban's iptables actions
# write), in turns. A line: requests a second, and processor time of nginx and wrk for one, in which the kernel's filtering is; each with its
# ratio to the round's run without bans. On a machine with other work only the second says something.
#
#   bench/node-throughput.sh [ROUNDS [SECONDS]]
#
# As root. Needs wrk, nginx, ip, ipset and iptables-legacy.
set -euo pipefail
rounds=${1:-3}
seconds=${2:-4}
cd "$(dirname "$0")/.."
. .mvn/find-jdk.sh
find_jdk 25 javac || { no_jdk node-throughput.sh 'the build'; exit 3; }
for program in wrk nginx ip ipset iptables-legacy; do
  command -v "$program" >/dev/null 2>&1 || { printf 'node-throughput.sh: needs %s\n' "$program" >&2; exit 3; }
done
./mvnw -q -Dquick -pl bench -am -DskipTests package dependency:build-classpath -Dmdep.outputFile=target/quick/classpath >&2
classpath="bench/target/quick/classes:$(cat bench/target/quick/classpath)"

node=ipsentry-bench-node-$$
client=ipsentry-bench-client-$$
scratch=$(mktemp -d /tmp/ip-sentry-node.XXXXXX)
end() {
  [ ! -s "$scratch/nginx.pid" ] || kill "$(cat "$scratch/nginx.pid")" 2>/dev/null || :
  ip netns delete "$node" 2>/dev/null || :
  ip netns delete "$client" 2>/dev/null || :
  rm -rf "$scratch"
}
trap end EXIT
ip netns add "$node"
ip netns add "$client"
ip -n "$client" link add wan type veth peer name wan netns "$node"
ip -n "$client" address add 198.51.100.10/24 dev wan
ip -n "$node" address add 198.51.100.1/24 dev wan
for space in "$node" "$client"; do
  ip -n "$space" link set lo up
  ip -n "$space" link set wan up
done
cat >"$scratch/nginx.conf" <<END
master_process off;
pid $scratch/nginx.pid;
error_log $scratch/error.log;
events { worker_connections 256; }
http { access_log off; keepalive_requests 1000000; server { listen 198.51.100.1:8080; location / { return 200 "ok"; } } }
END
ip netns exec "$node" nginx -c "$scratch/nginx.conf"

load() { # load COUNT: so many bans by the backend
  ip netns exec "$node" "$JDK_HOME/bin/java" -XX:+UseSerialGC -Xmx64m -cp "$classpath" \
    io.ipsentry.bench.enforcer.PacketFilterBenchmark ipset "$1"
}
linear() { # linear COUNT: so many rules
  {
    echo '*filter'
    for ((i = 0; i < $1; i++)); do echo "-A INPUT -s 11.$((i / 65536)).$((i / 256 % 256)).$((i % 256)) -p tcp -m multiport --dports 80,8080 -j DROP"; done
    echo COMMIT
  } | ip netns exec "$node" iptables-legacy-restore --noflush
}
ticks() { awk '{ print $14 + $15 }' "/proc/$(cat "$scratch/nginx.pid")/stat"; }
measure() { # measure NAME
  local before row
  before=$(ticks)
  TIMEFORMAT='time %U %S'
  row=$({ time ip netns exec "$client" wrk -t1 -c32 -d"${seconds}s" http://198.51.100.1:8080/; } 2>&1 | awk '
    /requests in/ { requests = $1 } /Requests\/sec/ { rate = $2 } /^time/ { cpu = $2 + $3 } END { print rate, requests, cpu }')
  row="$row $(($(ticks) - before)) $(getconf CLK_TCK)"
  [ "$1" != none ] || none=$row
  echo "$row $none" | awk -v name="$1" '{
    cpu = ($3 + $4 / $5) / $2 * 1e6; base = ($8 + $9 / $10) / $7 * 1e6
    printf "%-16s %8.0f/s %7.3f %8.1f us %7.3f\n", name, $1, $1 / $6, cpu, cpu / base }'
}
none=
measure none >/dev/null # nginx and wrk are warm then
for ((round = 0; round < rounds; round++)); do
  measure none
  load 100000
  measure 'ipset 100,000'
  load 1000000
  measure 'ipset 1,000,000'
  load 0
  linear 1000
  measure 'rules 1,000'
  linear 9000
  measure 'rules 10,000'
  ip netns exec "$node" iptables-legacy -F INPUT
done
