package io.ipsentry.config;

import io.ipsentry.net.PrefixSet;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Match;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a policy changes of the rules that judge its requests, and whom and what it passes over.
 *
 * @param off its requests are not judged at all
 * @param packs paths or user agents that are a rule of its own; empty: none
 * @param thresholds in place of those of its rules
 * @param exemptPaths expressions; requests for such paths pass every check
 * @param exemptAddresses whose requests pass every check; bans of them hold elsewhere
 */
public record PolicyOverrides(
    boolean off,
    Optional<Match> packs,
    Thresholds thresholds,
    List<String> exemptPaths,
    PrefixSet exemptAddresses) {
  /** Changes nothing. */
  public static final PolicyOverrides NONE =
      new PolicyOverrides(
          false, Optional.empty(), Thresholds.UNCHANGED, List.of(), PrefixSet.empty());

  public PolicyOverrides {
    exemptPaths = List.copyOf(exemptPaths);
  }

  /**
   * When hits become a ban.
   *
   * @param threshold hits within the window; null, as is {@code distinct} then: those of each rule
   * @param distinct different patterns within the window
   * @param window null: that of each rule
   * @param ban null: that of each rule
   */
  public record Thresholds(
      @Nullable Integer threshold,
      @Nullable Integer distinct,
      @Nullable Duration window,
      @Nullable BanTerms ban) {
    /** Those of each rule. */
    public static final Thresholds UNCHANGED = new Thresholds(null, null, null, null);

    boolean isUnchanged() {
      return equals(UNCHANGED);
    }
  }
}
