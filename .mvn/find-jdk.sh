# Sourced by ./mvnw, ./ip-sentry and ./run-tests (POSIX sh). Finds an installed JDK without starting one:
# every JDK since 9 has a file `release` with its version.

# jdk_is HOME MINIMUM TOOL: true if HOME holds version MINIMUM or newer with bin/TOOL. Sets jdk_full (25.0.3) and
# jdk_feature (25). Starts no process: this runs at every start of ./ip-sentry.
jdk_is() {
  jdk_full=
  jdk_feature=
  [ -x "$1/bin/$3" ] && [ -r "$1/release" ] || return 1
  while IFS= read -r jdk_line || [ -n "$jdk_line" ]; do
    case $jdk_line in
      JAVA_VERSION=*)
        jdk_full=${jdk_line#JAVA_VERSION=}
        jdk_full=${jdk_full#\"}
        jdk_full=${jdk_full%%\"*}
        jdk_feature=${jdk_full%%[!0-9]*}
        break
        ;;
    esac
  done <"$1/release"
  [ -n "$jdk_feature" ] && [ "$jdk_feature" -ge "$2" ]
}

# find_jdk MINIMUM TOOL: sets JDK_HOME and JDK_VERSION to a JDK of at least that version that has bin/TOOL (java or javac).
# JAVA_HOME wins, then `java` on the PATH, then the newest in the usual places. Returns 1 if there is none.
find_jdk() {
  JDK_HOME=
  JDK_VERSION=
  if [ -n "${JAVA_HOME:-}" ] && jdk_is "$JAVA_HOME" "$1" "$2"; then
    JDK_HOME=$JAVA_HOME
    JDK_VERSION=$jdk_full
    return 0
  fi
  jdk_path=$(command -v java 2>/dev/null) || jdk_path=
  jdk_links=0
  while [ -h "$jdk_path" ] && [ "$jdk_links" -lt 16 ]; do
    jdk_links=$((jdk_links + 1))
    jdk_target=$(readlink "$jdk_path") || break
    case $jdk_target in
      /*) jdk_path=$jdk_target ;;
      *) jdk_path=${jdk_path%/*}/$jdk_target ;;
    esac
  done
  jdk_home=${jdk_path%/bin/java}
  if [ -n "$jdk_home" ] && jdk_is "$jdk_home" "$1" "$2"; then
    JDK_HOME=$jdk_home
    JDK_VERSION=$jdk_full
    return 0
  fi
  jdk_best=0
  for jdk_home in \
    /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /opt/java/* /opt/*jdk* /opt/*temurin* /usr/local/*jdk* \
    "${HOME:-/nonexistent}"/.sdkman/candidates/java/* "${HOME:-/nonexistent}"/.jdks/* \
    "${HOME:-/nonexistent}"/.asdf/installs/java/* "${HOME:-/nonexistent}"/.local/share/mise/installs/java/* \
    "${HOME:-/nonexistent}"/.jbang/cache/jdks/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home "${HOME:-/nonexistent}"/Library/Java/JavaVirtualMachines/*/Contents/Home \
    /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
    if jdk_is "$jdk_home" "$1" "$2" && [ "$jdk_feature" -gt "$jdk_best" ]; then
      jdk_best=$jdk_feature
      JDK_HOME=$jdk_home
      JDK_VERSION=$jdk_full
    fi
  done
  [ -n "$JDK_HOME" ]
}

# no_jdk WHO WHAT: says on stderr which JDK is missing and how to get one.
no_jdk() {
  cat >&2 <<EOF
$1: no JDK 25 or newer found, which $2 needs.
Install one, for example:
  Debian, Ubuntu   apt install openjdk-25-jdk-headless   (or temurin-25-jdk from https://adoptium.net/installation/linux/)
  Fedora           dnf install java-25-openjdk-devel
  macOS            brew install openjdk@25
  anywhere         sdk install java 25-tem               (https://sdkman.io)
or unpack one from https://adoptium.net/temurin/releases/?version=25 and set JAVA_HOME to it.
Looked at: JAVA_HOME, java on the PATH, /usr/lib/jvm, /usr/java, /opt, ~/.sdkman, ~/.jdks, ~/.asdf, mise, macOS JVMs.
EOF
}
