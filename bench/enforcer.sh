#!/bin/sh
# Bans into an empty kernel, through a backend and by the kernel's own program on the same list:
# bench/enforcer.sh [BACKEND [ADDRESSES [ROUNDS]]], BACKEND ipset or nftables. Seconds, one column a round.
#
# It runs in a network namespace of its own, as root. Needs ipset, iptables-legacy, nft and unshare.
set -eu
. "$(dirname "$0")/classpath.sh"
cd "$root"
for program in unshare ipset nft iptables-legacy; do
  command -v "$program" >/dev/null 2>&1 || { printf 'enforcer.sh: needs %s\n' "$program" >&2; exit 3; }
done
exec unshare --net "$JDK_HOME/bin/java" -XX:+UseSerialGC -Xmx64m --enable-native-access=ALL-UNNAMED \
  -cp "$BENCH_CLASSPATH" \
  io.ipsentry.bench.enforcer.PacketFilterBenchmark "${1:-ipset}" "${2:-1000000}" "${3:-3}"
