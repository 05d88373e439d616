#!/usr/bin/env bash
# What bans cost those who are not banned: requests a second of wrk, through a veth pair, to nginx in a network namespace, with the backend
# and no bans, without it, with 100,000 and 1,000,000 in its ipset, with 1,000 and 10,000 plain iptables rules, and with what two actions of an installed
# fail2ban make of its bans, in turns. A line: requests a second, and processor time of nginx and wrk for one, in which the kernel's filtering
# is; each with its ratio to the round's run of no bans. On a machine with other work only the second says something. In the end the medians.
#
#   bench/node-throughput.sh [ROUNDS [SECONDS [BANS]]]
#
# BANS is how many fail2ban gets, 1,000 if not given: it starts a shell for each; 0 leaves it and the plain rules out. As root. Needs wrk, nginx, ip, ipset and iptables-legacy.
set -euo pipefail
rounds=${1:-3}
seconds=${2:-4}
bans=${3:-1000}
. "$(dirname "$0")/classpath.sh"
cd "$root"
for program in wrk nginx ip ipset iptables-legacy; do
  command -v "$program" >/dev/null 2>&1 || { printf 'node-throughput.sh: needs %s\n' "$program" >&2; exit 3; }
done

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
  ip netns exec "$node" "$JDK_HOME/bin/java" -XX:+UseSerialGC -Xmx64m -cp "$BENCH_CLASSPATH" \
    io.ipsentry.bench.enforcer.PacketFilterBenchmark ipset "$1"
}
linear() { # linear COUNT: so many rules
  {
    echo '*filter'
    for ((i = 0; i < $1; i++)); do echo "-A INPUT -s 11.$((i / 65536)).$((i / 256 % 256)).$((i % 256)) -p tcp -m multiport --dports 80,8080 -j DROP"; done
    echo COMMIT
  } | ip netns exec "$node" iptables-legacy-restore --noflush
}
jail() { # jail ACTION: bans by an action of fail2ban, which runs the iptables of this machine, whichever that is
  local took
  took=$(ip netns exec "$node" /usr/bin/python3 bench/peers/fail2ban_action.py "$1" "$bans")
  printf '%s: %s bans in %s s\n' "$1" "$bans" "$took"
}
release() { # removes what the action made
  ip netns exec "$node" iptables -F INPUT
  ip netns exec "$node" iptables -F f2b-bench 2>/dev/null || :
  ip netns exec "$node" iptables -X f2b-bench 2>/dev/null || :
  ip netns exec "$node" ipset destroy f2b-bench 2>/dev/null || :
}
ticks() { awk '{ print $14 + $15 }' "/proc/$(cat "$scratch/nginx.pid")/stat"; }
measure() { # measure NAME
  local before row
  before=$(ticks)
  TIMEFORMAT='time %U %S'
  row=$({ time ip netns exec "$client" wrk -t1 -c32 -d"${seconds}s" http://198.51.100.1:8080/; } 2>&1 | awk '
    /requests in/ { requests = $1 } /Requests\/sec/ { rate = $2 } /^time/ { cpu = $2 + $3 } END { print rate, requests, cpu }')
  row="$row $(($(ticks) - before)) $(getconf CLK_TCK)"
  [ "$1" != 'no bans' ] || base=$row
  echo "$row $base" | awk -v name="$1" '{
    cpu = ($3 + $4 / $5) / $2 * 1e6; base = ($8 + $9 / $10) / $7 * 1e6
    printf "%-28s %8.0f/s %7.3f %8.1f us %7.3f\n", name, $1, $1 / $6, cpu, cpu / base }' | tee -a "$scratch/rows"
}
medians() { # of both ratios, by name in the order of the first round
  echo 'medians: ratio of requests a second, ratio of processor time a request; from lowest to highest'
  awk '
    function sorted(list, n, i, j, t) {
      for (i = 2; i <= n; i++) for (j = i; j > 1 && list[j - 1] > list[j]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
      return sprintf("%.3f (%.3f to %.3f)", n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2, list[1], list[n])
    }
    { name = substr($0, 1, 28); split(substr($0, 29), f, " "); if (!(name in count)) names[++kinds] = name
      n = ++count[name]; rates[name, n] = f[2]; costs[name, n] = f[5] }
    END { for (k = 1; k <= kinds; k++) { name = names[k]; n = count[name]
        for (i = 1; i <= n; i++) { a[i] = rates[name, i]; b[i] = costs[name, i] }
        print name, sorted(a, n), "  ", sorted(b, n) } }' "$scratch/rows"
}
base=
load 0
measure 'no bans' >/dev/null # nginx and wrk are warm then
: >"$scratch/rows"
has_fail2ban=
if [ "$bans" = 0 ]; then :; elif [ -x /usr/bin/fail2ban-server ]; then has_fail2ban=1; else echo 'no fail2ban is installed: it is left out' >&2; fi
for ((round = 0; round < rounds; round++)); do
  load 0
  measure 'no bans'
  load -1
  measure 'no enforcer'
  load 100000
  measure 'ipset 100,000'
  load 1000000
  measure 'ipset 1,000,000'
  [ "$bans" != 0 ] || continue
  load -1
  linear 1000
  measure 'rules 1,000'
  linear 9000
  measure 'rules 10,000'
  ip netns exec "$node" iptables-legacy -F INPUT
  [ -n "$has_fail2ban" ] || continue
  for action in iptables-multiport iptables-ipset; do
    jail "$action"
    measure "fail2ban ${action#iptables-} $bans"
    release
  done
done
medians
