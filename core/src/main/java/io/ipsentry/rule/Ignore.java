package io.ipsentry.rule;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a rule passes over although it matched: one condition that holds is enough.
 *
 * <p>Paths are judged without their query, and only when the raw and the normalised path are both
 * ignored, so that {@code /.env?x.png} and {@code /.env;.png} do not slip through.
 *
 * @param paths expressions for the path
 * @param status what the client got; null: none is ignored
 * @param methods upper case
 * @param hosts expressions for the host
 * @param userAgents expressions for the user agent
 * @param messages expressions for the whole line
 */
public record Ignore(
    List<String> paths,
    @Nullable StatusSet status,
    Set<String> methods,
    List<String> hosts,
    List<String> userAgents,
    List<String> messages) {

  /** Ignores nothing. */
  public static final Ignore NOTHING =
      new Ignore(List.of(), null, Set.of(), List.of(), List.of(), List.of());

  public Ignore {
    paths = List.copyOf(paths);
    methods = Set.copyOf(methods);
    hosts = List.copyOf(hosts);
    userAgents = List.copyOf(userAgents);
    messages = List.copyOf(messages);
  }
}
