package io.ipsentry.rule;

import org.jspecify.annotations.Nullable;

/**
 * One expression for request targets, with what a match means.
 *
 * @param regex searched in the target (not anchored unless it says so), raw and normalised
 * @param mode what an inline match does; in a log only {@link Mode#COUNT} and {@link Mode#BLOCK}
 *     count, and {@link Mode#ALLOW} makes the rule pass the line over
 * @param status the match counts only when the client got one of these, such as {@link
 *     StatusSet#CLIENT_ERRORS} for paths that ordinary software serves ({@code /wp-login.php});
 *     null: whatever the client got
 */
public record PathPattern(String regex, Mode mode, @Nullable StatusSet status) {
  /** What an inline match does; precedence is block, allow, count (DESIGN section 4). */
  public enum Mode {
    /** Refuse the request and count it. */
    BLOCK,
    /** Let the request through without any check. */
    ALLOW,
    /** Count it. */
    COUNT
  }

  /** A pattern that counts whatever the status is. */
  public static PathPattern counting(String regex) {
    return new PathPattern(regex, Mode.COUNT, null);
  }

  /** Whether a match counts when the client got this status. */
  boolean countsWith(int given) {
    return status == null || status.contains(given);
  }
}
