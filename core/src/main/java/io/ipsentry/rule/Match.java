package io.ipsentry.rule;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a rule looks for: every condition that is given must hold, and a list holds when one of its
 * members does.
 *
 * @param paths expressions for the request target; empty: any target, and lines without one. One
 *     that counts is needed for a hit; where none counts and there are other conditions, those that
 *     block or allow are additions to them
 * @param status what the client got; null: any
 * @param originStatus what the backend answered (Traefik); null: any
 * @param methods upper case; empty: any
 * @param hosts expressions for the host without its port, ignoring case; empty: any
 * @param userAgents expressions for the user agent; empty: any
 * @param messages expressions for the whole line; empty: any
 * @param authFailures true: only lines that their format knows as failed logins
 * @param failures true: only lines in which the filter of their source found a failure
 * @param sources names of the sources it listens to; empty: all but those with a filter
 * @param ignoreCase paths, user agents and messages ignore case, those of the rule's {@link Ignore}
 *     too
 */
public record Match(
    List<PathPattern> paths,
    @Nullable StatusSet status,
    @Nullable StatusSet originStatus,
    Set<String> methods,
    List<String> hosts,
    List<String> userAgents,
    List<String> messages,
    boolean authFailures,
    boolean failures,
    Set<String> sources,
    boolean ignoreCase) {

  public Match {
    paths = List.copyOf(paths);
    methods = Set.copyOf(methods);
    hosts = List.copyOf(hosts);
    userAgents = List.copyOf(userAgents);
    messages = List.copyOf(messages);
    sources = Set.copyOf(sources);
  }

  /** A match of lines or requests that no filter reads. */
  public Match(
      List<PathPattern> paths,
      @Nullable StatusSet status,
      @Nullable StatusSet originStatus,
      Set<String> methods,
      List<String> hosts,
      List<String> userAgents,
      List<String> messages,
      boolean authFailures,
      Set<String> sources,
      boolean ignoreCase) {
    this(
        paths,
        status,
        originStatus,
        methods,
        hosts,
        userAgents,
        messages,
        authFailures,
        false,
        sources,
        ignoreCase);
  }

  /** A match of paths alone. */
  public static Match ofPaths(List<PathPattern> paths) {
    return new Match(
        paths, null, null, Set.of(), List.of(), List.of(), List.of(), false, false, Set.of(),
        false);
  }

  /** True when no condition is given, which would make every line a hit. */
  public boolean isEmpty() {
    return paths.isEmpty()
        && status == null
        && originStatus == null
        && methods.isEmpty()
        && hosts.isEmpty()
        && userAgents.isEmpty()
        && messages.isEmpty()
        && !authFailures
        && !failures;
  }
}
