package io.ipsentry.config;

import io.ipsentry.rule.StatusSet;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A named list of things to look for: request targets or user agents, never both, because a rule
 * that used both would want a request to match both.
 *
 * @param name as rules name it
 * @param description one line
 * @param kind what the patterns are searched in
 * @param severity how bad it is when somebody is looking for this
 * @param defaults what a rule takes that does not say it itself
 * @param methods of requests that count, upper case; empty: any
 * @param patterns in the order of the file; at least one
 */
public record Pack(
    String name,
    String description,
    Kind kind,
    @Nullable Level severity,
    Defaults defaults,
    Set<String> methods,
    List<Pattern> patterns) {
  /** Most patterns of a pack. */
  public static final int MAX_PATTERNS = 10_000;

  /** What the patterns of a pack are searched in. */
  public enum Kind {
    /** Request targets. */
    PATHS,
    /** User agents. */
    USER_AGENTS
  }

  /** How much of something. */
  public enum Level {
    LOW,
    MEDIUM,
    HIGH;

    /** As it is written in a pack. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * When hits become a ban, unless the rule says it.
   *
   * @param threshold hits; 0: the pack does not say
   * @param distinct different patterns; 0: they are not counted
   * @param window null: that of any rule
   */
  public record Defaults(int threshold, int distinct, @Nullable Duration window) {
    /** Of a pack that says nothing. */
    public static final Defaults NONE = new Defaults(0, 0, null);
  }

  /**
   * One thing to look for.
   *
   * @param regex searched, not anchored unless it says so
   * @param status counts only when the client got one of these, {@link StatusSet#CLIENT_ERRORS} for
   *     what ordinary software serves; null: whatever the client got, and for user agents
   * @param about facts for people
   */
  public record Pattern(String regex, @Nullable StatusSet status, About about) {
    /** Whether it counts only with a 4xx status, because ordinary software serves it. */
    public boolean servedBySoftware() {
      return status != null && status.equals(StatusSet.CLIENT_ERRORS);
    }
  }

  /**
   * What is known about a thing to look for; empty where nothing is said.
   *
   * @param note what it is
   * @param source a public reference: a CVE, an advisory, a list, public reports
   * @param since year, or date, of which the earliest report known to us is
   * @param falsePositives how likely somebody harmless asks for it
   * @param example a request target or a user agent that is a hit
   */
  public record About(
      String note, String source, String since, @Nullable Level falsePositives, String example) {
    /** Nothing is said. */
    public static final About NOTHING = new About("", "", "", null, "");
  }

  public Pack {
    methods = Set.copyOf(methods);
    patterns = List.copyOf(patterns);
  }
}
