# For the benchmarks beside it, to be sourced before they leave the directory they were started in: $root of the checkout, $JDK_HOME, and
# $BENCH_CLASSPATH, which names a build of its own of the module bench unless it is set already.
root=$(cd "$(dirname "$0")/.." && pwd -P)
. "$root/.mvn/find-jdk.sh"
find_jdk 25 javac || { no_jdk "${0##*/}" 'the build'; exit 3; }
if [ -z "${BENCH_CLASSPATH:-}" ]; then
  (cd "$root" && JAVA_HOME=$JDK_HOME ./mvnw -q -Dquick -pl bench -am -DskipTests package dependency:build-classpath \
    -Dmdep.outputFile=target/quick/classpath >&2) || exit 3
  BENCH_CLASSPATH=$root/bench/target/quick/classes:$(cat "$root/bench/target/quick/classpath")
fi
