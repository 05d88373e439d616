package io.ipsentry.cli;

import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What a command gets from whoever started it: streams, terminal, variables, user, time.
 *
 * @param out for answers, UTF-8; buffered, so flush when somebody waits
 * @param err for messages and progress, UTF-8
 * @param outWidth columns of the terminal that {@code out} is; 0: it is none, lines may be of any
 *     length
 * @param errWidth columns of the terminal that {@code err} is; 0: it is none, show no progress
 */
record Shell(
    InputStream in,
    PrintStream out,
    PrintStream err,
    IntSupplier outWidth,
    IntSupplier errWidth,
    Map<String, String> environment,
    User user,
    InstantSource clock) {

  /** Columns of a terminal that does not say how many it has. */
  static final int DEFAULT_COLUMNS = 80;

  Shell {
    environment = Map.copyOf(environment);
  }

  /**
   * Who runs the command.
   *
   * @param id of the user; negative: not known
   * @param home null if there is none
   */
  record User(String name, long id, @Nullable Path home) {
    boolean isRoot() {
      return id == 0;
    }
  }

  /** A variable that is set and not empty. */
  Optional<String> variable(String name) {
    return Optional.ofNullable(environment.get(name)).filter(value -> !value.isEmpty());
  }

  /** Whether {@code out} may be coloured: a terminal, and nobody objects (https://no-color.org). */
  boolean isColoured() {
    return variable("NO_COLOR").isEmpty()
        && !variable("TERM").orElse("").equals("dumb")
        && outWidth.getAsInt() > 0;
  }

  /**
   * Who is to blame, as events name them: {@code cli:root(0)}, behind sudo {@code
   * cli:root(0)/alice}.
   */
  String author() {
    String author = "cli:" + user.name() + (user.id() < 0 ? "" : "(" + user.id() + ")");
    return user.isRoot()
        ? variable("SUDO_USER").map(name -> author + "/" + name).orElse(author)
        : author;
  }
}
