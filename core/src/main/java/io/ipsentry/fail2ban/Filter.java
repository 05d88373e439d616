package io.ipsentry.fail2ban;

import io.ipsentry.net.PrefixSet;
import java.util.List;
import java.util.Optional;

/**
 * What a failure is, in the words of fail2ban, with everything filled in but the tags of
 * expressions ({@code <HOST>}, {@code <F-…>}).
 *
 * @param failregex expressions, the first that matches a line decides; not empty
 * @param ignoreregex expressions for lines that are no failures
 * @param prefregex every line must match it; its {@code <F-CONTENT>} is what the others look at
 * @param maxlines so many lines together are looked at; 1: each by itself
 * @param datepattern where the time stands; empty: the usual forms
 * @param names whether {@code <HOST>} may be a name, which is never looked up
 * @param ignoreip addresses whose failures do not count
 */
public record Filter(
    List<String> failregex,
    List<String> ignoreregex,
    Optional<String> prefregex,
    int maxlines,
    List<String> datepattern,
    boolean names,
    PrefixSet ignoreip) {
  /** Most lines together. */
  public static final int MAX_LINES = 1_000;

  /** Most expressions of one kind. */
  public static final int MAX_EXPRESSIONS = 1_000;

  public Filter {
    failregex = List.copyOf(failregex);
    ignoreregex = List.copyOf(ignoreregex);
    datepattern = List.copyOf(datepattern);
    if (maxlines < 1 || maxlines > MAX_LINES) {
      throw new Fail2banException("maxlines is " + maxlines + ", not 1 to " + MAX_LINES);
    }
    if (failregex.isEmpty()) {
      throw new Fail2banException("there is no failregex");
    }
    if (failregex.size() > MAX_EXPRESSIONS || ignoreregex.size() > MAX_EXPRESSIONS) {
      throw new Fail2banException("there are more than " + MAX_EXPRESSIONS + " expressions");
    }
  }

  /** The same with addresses whose failures do not count. */
  public Filter ignoring(PrefixSet addresses) {
    return new Filter(failregex, ignoreregex, prefregex, maxlines, datepattern, names, addresses);
  }
}
