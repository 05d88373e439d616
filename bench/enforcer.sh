#!/bin/sh
# Bans into an empty kernel, through a backend and by the kernel's own program on the same list:
# bench/enforcer.sh [BACKEND [ADDRESSES [ROUNDS]]], BACKEND ipset or nftables. Seconds, one column a round.
#
# It runs in a network namespace of its own, as root. Needs ipset, iptables-legacy, nft and unshare.
set -eu
cd "$(dirname "$0")/.."
. .mvn/find-jdk.sh
find_jdk 25 javac || { no_jdk enforcer.sh "the build"; exit 3; }
for program in unshare ipset nft iptables-legacy; do
  command -v "$program" >/dev/null 2>&1 || { printf 'enforcer.sh: needs %s\n' "$program" >&2; exit 3; }
done
./mvnw -q -Dquick -pl bench -am -DskipTests package dependency:build-classpath -Dmdep.outputFile=target/quick/classpath >&2
exec unshare --net "$JDK_HOME/bin/java" -XX:+UseSerialGC -Xmx64m --enable-native-access=ALL-UNNAMED \
  -cp "bench/target/quick/classes:$(cat bench/target/quick/classpath)" \
  io.ipsentry.bench.enforcer.PacketFilterBenchmark "${1:-ipset}" "${2:-1000000}" "${3:-3}"
