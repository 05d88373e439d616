package io.ipsentry.config;

import java.util.List;

/**
 * A named list of things to look for: request targets or user agents, never both, because a rule
 * that used both would want a request to match both.
 *
 * @param name as rules name it
 * @param description one line
 * @param kind what the patterns are searched in
 * @param patterns in the order of the file; at least one
 */
public record Pack(String name, String description, Kind kind, List<Pattern> patterns) {
  /** Most patterns of a pack. */
  public static final int MAX_PATTERNS = 10_000;

  /** What the patterns of a pack are searched in. */
  public enum Kind {
    /** Request targets. */
    PATHS,
    /** User agents. */
    USER_AGENTS
  }

  /**
   * One thing to look for.
   *
   * @param regex searched, not anchored unless it says so
   * @param servedBySoftware true when ordinary software serves it, so that it counts only with a
   *     4xx status; false for user agents
   * @param note what it is; empty: nothing to say
   */
  public record Pattern(String regex, boolean servedBySoftware, String note) {}

  public Pack {
    patterns = List.copyOf(patterns);
  }
}
