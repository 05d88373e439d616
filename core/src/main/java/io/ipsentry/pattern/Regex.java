package io.ipsentry.pattern;

import java.util.Map;

/**
 * A parsed regular expression.
 *
 * @param root its tree
 * @param groups number of capturing groups
 * @param names numbers of the named groups, in the order of the expression
 */
record Regex(PatternSource source, Node root, int groups, Map<String, Integer> names) {
  InvalidPatternException invalid(int position, String reason, String remedy) {
    return new InvalidPatternException(source.regex(), position, reason, remedy);
  }
}
