package io.ipsentry.rule;

import io.ipsentry.line.Failure;
import io.ipsentry.line.Relevance;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.line.Slice;
import io.ipsentry.pattern.PathNormalizer;
import io.ipsentry.pattern.PatternMatcher;
import io.ipsentry.rule.PathPattern.Mode;
import io.ipsentry.rule.RuleSet.CompiledRule;
import io.ipsentry.rule.RuleSet.Range;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the rules for which a line is a hit.
 *
 * <p>Targets are judged raw and, where that differs, as the normalised path without its query, as
 * that path with the decoded query, and, where normalising took dots or parameters away, as the
 * whole target decoded only; a pattern matches when it matches one of them. An ignored path is
 * ignored only when the raw and the normalised path are. A line that is no hit allocates nothing.
 * Confined to one thread.
 *
 * <p>What an authority for certificates asks for, below {@code /.well-known/acme-challenge/}, is
 * never a hit, whatever the rules say: it asks from addresses that nobody knows beforehand, mostly
 * gets a 404 while something is wrong, and must not be banned for that.
 */
public final class RuleMatcher implements Relevance {
  private static final int[] NOTHING = new int[0];
  private static final int UNKNOWN = -1;
  private static final byte[] CHALLENGE =
      "/.well-known/acme-challenge/".getBytes(StandardCharsets.US_ASCII);

  private final List<CompiledRule> all;
  private final List<CompiledRule> rules;
  private final CompiledRule[] withPaths;
  private final CompiledRule[] withoutPaths;
  private final PatternMatcher paths;
  private final PatternMatcher ignoredPaths;
  private final FieldMatcher hosts;
  private final FieldMatcher userAgents;
  private final FieldMatcher messages;
  private final PathNormalizer normalizer = new PathNormalizer();
  private final StatusFilter statusFilter;

  // What the line at hand matched.
  private int[] rawPaths = NOTHING;
  private int[] normalPaths = NOTHING;
  private int[] queryPaths = NOTHING;
  private int[] climbingPaths = NOTHING;
  private boolean normalized;
  private boolean challenge;
  private int judgedPath;
  private boolean judgedPathBlocks;

  // The hits found.
  private final int[] hitRule;
  private final int[] hitPath;
  private int hits;
  private boolean pathAllowed;
  private int blocking;
  private int shadowBlocking;

  RuleMatcher(RuleSet set, List<CompiledRule> rules) {
    this.rules = List.copyOf(rules);
    this.withPaths = rules.stream().filter(CompiledRule::needsPath).toArray(CompiledRule[]::new);
    this.withoutPaths = rules.stream().filter(r -> !r.needsPath()).toArray(CompiledRule[]::new);
    this.paths = set.paths.matcher();
    this.ignoredPaths = set.ignoredPaths.matcher();
    this.hosts = new FieldMatcher(set.hosts.matcher());
    this.userAgents = new FieldMatcher(set.userAgents.matcher());
    this.messages = new FieldMatcher(set.messages.matcher());
    this.hitRule = new int[rules.size()];
    this.hitPath = new int[rules.size()];
    this.all = set.compiled;
    this.statusFilter = new StatusFilter(this.rules);
  }

  /**
   * Judges a line; {@link #rule}, {@link #pattern} and {@link #patternIdentity} tell of the hits.
   *
   * @return number of rules for which it is a hit; 0 for a line that shows our own refusal, and for
   *     one that is {@link RequestFacts#ruledOut()}
   */
  public int match(RequestFacts facts) {
    hits = 0;
    if (facts.ownDenial() || facts.ruledOut()) {
      return 0;
    }
    boolean pathMatched = matchPaths(facts.target());
    if (challenge || !pathMatched && withoutPaths.length == 0) {
      return 0;
    }
    hosts.reset();
    userAgents.reset();
    messages.reset();
    if (pathMatched) {
      for (CompiledRule rule : withPaths) {
        take(rule, judge(rule, facts));
      }
    }
    for (CompiledRule rule : withoutPaths) {
      take(rule, judge(rule, facts));
    }
    return hits;
  }

  /** Whether a rule is possible with the statuses and the target that are known so far. */
  @Override
  public boolean mayHit(RequestFacts facts, int known) {
    long possible = statusFilter.possible(facts.status(), facts.originStatus(), known);
    if (possible == 0) {
      return false;
    }
    boolean targetDecides = (known & TARGET) != 0 && statusFilter.allNeedPath(possible);
    return !targetDecides || matchPaths(facts.target());
  }

  /**
   * Judges a request before it is answered. Block beats allow beats count, over all rules: where an
   * enforcing rule {@linkplain #blocking blocks} the path, or else {@linkplain #pathAllowed allows}
   * it, nothing else matters. A rule that allows the path makes no hit, and where the path is
   * allowed no rule does. The other conditions of a rule, and what it ignores, hold for the paths
   * that it blocks or allows too. A rule in shadow mode refuses nothing and lets nothing pass that
   * others would count.
   *
   * <p>There is no status yet, so that patterns {@linkplain PathPattern#status() that need one}
   * never match.
   *
   * @return number of rules for which it is a hit, as {@link #match} says
   */
  public int request(RequestFacts facts) {
    hits = 0;
    pathAllowed = false;
    blocking = UNKNOWN;
    shadowBlocking = UNKNOWN;
    if (rules.isEmpty()) {
      return 0;
    }
    boolean pathMatched = matchPaths(facts.target());
    if (challenge || !pathMatched && withoutPaths.length == 0) {
      return 0;
    }
    hosts.reset();
    userAgents.reset();
    messages.reset();
    if (pathMatched) {
      for (CompiledRule rule : withPaths) {
        takeRequest(rule, facts);
      }
    }
    for (CompiledRule rule : withoutPaths) {
      takeRequest(rule, facts);
    }
    pathAllowed &= blocking == UNKNOWN;
    if (pathAllowed) {
      hits = 0;
      shadowBlocking = UNKNOWN;
    }
    return hits;
  }

  private void takeRequest(CompiledRule rule, RequestFacts facts) {
    boolean enforcing = rule.rule().mode() == Rule.Mode.ENFORCE;
    Outcome outcome = judge(rule, facts);
    if (outcome == Outcome.HIT && judgedPathBlocks) {
      if (enforcing && blocking == UNKNOWN) {
        blocking = hits;
      } else if (!enforcing && shadowBlocking == UNKNOWN) {
        shadowBlocking = hits;
      }
    } else if (outcome == Outcome.ALLOWED_PATH && enforcing) {
      pathAllowed |=
          conditions(rule, rule.rule().match(), facts) == Outcome.HIT && !ignored(rule, facts);
    }
    take(rule, outcome);
  }

  /** Whether {@link #request} found that the request passes every check because of its path. */
  public boolean pathAllowed() {
    return pathAllowed;
  }

  /** The first hit of {@link #request} whose path an enforcing rule refuses, or -1. */
  public int blocking() {
    return blocking;
  }

  /** The first hit of {@link #request} whose path a rule in shadow mode would refuse, or -1. */
  public int shadowBlocking() {
    return shadowBlocking;
  }

  private void take(CompiledRule rule, Outcome outcome) {
    if (outcome == Outcome.HIT) {
      hitRule[hits] = rule.number();
      hitPath[hits++] = judgedPath;
    }
  }

  /** Number of the rule of hit {@code i}, in the {@link RuleSet}. */
  public int rule(int i) {
    return hitRule[i];
  }

  /** What matched in hit {@code i}, as people read it; allocates. */
  public String pattern(int i, RequestFacts facts) {
    CompiledRule rule = all.get(hitRule[i]);
    Match match = rule.rule().match();
    if (hitPath[i] >= 0) {
      return match.paths().get(hitPath[i]).regex();
    }
    String expression = expression(rule, facts);
    if (expression != null) {
      return expression;
    }
    return match.authFailures() ? "authentication failure" : "status " + facts.status();
  }

  /** Identity of what matched in hit {@code i}, for {@code distinct}. */
  public int patternIdentity(int i, RequestFacts facts) {
    CompiledRule rule = all.get(hitRule[i]);
    if (hitPath[i] >= 0) {
      return rule.pathIdentity().get(hitPath[i]);
    }
    String expression = expression(rule, facts);
    return expression == null ? 0 : RuleSet.identity(expression);
  }

  private @Nullable String expression(CompiledRule rule, RequestFacts facts) {
    Match match = rule.rule().match();
    Failure failure = facts.failure();
    if (match.failures() && failure != null) {
      return failure.expression();
    }
    if (!match.messages().isEmpty()) {
      return match.messages().get(messages.first(facts.line(), rule.messages()));
    }
    if (!match.userAgents().isEmpty()) {
      return match.userAgents().get(userAgents.first(facts.userAgent(), rule.userAgents()));
    }
    return null;
  }

  private boolean matchPaths(Slice target) {
    rawPaths = NOTHING;
    normalPaths = NOTHING;
    queryPaths = NOTHING;
    climbingPaths = NOTHING;
    normalized = false;
    challenge = false;
    if (!target.isPresent()) {
      return false;
    }
    byte[] b = target.array();
    rawPaths = paths.matched(paths.match(b, target.from(), target.to()));
    if (PathNormalizer.needsNormalizing(b, target.from(), target.to())) {
      normalized = true;
      matchNormalized(target);
    } else {
      challenge = isChallenge(b, target.from(), target.to());
    }
    return rawPaths.length + normalPaths.length + queryPaths.length + climbingPaths.length > 0;
  }

  private void matchNormalized(Slice target) {
    byte[] b = target.array();
    int length = normalizer.normalize(b, target.from(), target.to());
    challenge = isChallenge(normalizer.bytes(), 0, length);
    if (normalizer.isLossy()) {
      int decoded = normalizer.decodeOnly(b, target.from(), target.to());
      climbingPaths = paths.matched(paths.match(normalizer.bytes(), 0, decoded));
      length = normalizer.normalize(b, target.from(), target.to());
    }
    int whole = normalizer.withQuery(b, target.from(), target.to());
    if (whole > length) {
      queryPaths = paths.matched(paths.match(normalizer.bytes(), 0, whole));
    }
    normalPaths = paths.matched(paths.match(normalizer.bytes(), 0, length));
  }

  private static boolean isChallenge(byte[] b, int from, int to) {
    if (to - from < CHALLENGE.length || b[from + 1] != '.') {
      return false;
    }
    for (int i = 0; i < CHALLENGE.length; i++) {
      byte c = b[from + i];
      byte lower = c >= 'A' && c <= 'Z' ? (byte) (c | 0x20) : c;
      if (lower != CHALLENGE[i]) {
        return false;
      }
    }
    return true;
  }

  /**
   * Says for every rule of this matcher what comes of the line; for people, allocates.
   *
   * @return in the order of the rules
   */
  public List<Explanation> explain(RequestFacts facts) {
    match(facts);
    hosts.reset();
    userAgents.reset();
    messages.reset();
    List<Explanation> explanations = new ArrayList<>();
    for (CompiledRule compiled : rules) {
      Outcome outcome =
          facts.ownDenial()
              ? Outcome.OWN_DENIAL
              : challenge ? Outcome.CHALLENGE : judge(compiled, facts);
      explanations.add(new Explanation(compiled.number(), outcome));
    }
    match(facts);
    return explanations;
  }

  /**
   * What a rule makes of a line.
   *
   * @param rule its number
   */
  public record Explanation(int rule, Outcome outcome) {}

  /** Why a line is a hit for a rule, or is not. */
  public enum Outcome {
    HIT("hit"),
    OWN_DENIAL("our own refusal"),
    CHALLENGE("challenge of a certificate authority, which never counts"),
    NO_PATH("no path matches"),
    ALLOWED_PATH("the path is allowed"),
    SERVED("the path matches, but does not count with this status"),
    OTHER_STATUS("other status"),
    OTHER_ORIGIN_STATUS("other status of the backend"),
    NO_AUTH_FAILURE("no failed login"),
    OTHER_METHOD("other method"),
    OTHER_HOST("other host"),
    OTHER_USER_AGENT("other user agent"),
    OTHER_MESSAGE("no message matches"),
    IGNORED("matches, but is on the ignore list");

    private final String text;

    Outcome(String text) {
      this.text = text;
    }

    /** A phrase for people. */
    public String text() {
      return text;
    }
  }

  private Outcome judge(CompiledRule compiled, RequestFacts facts) {
    judgedPath = UNKNOWN;
    judgedPathBlocks = false;
    if (!compiled.paths().isEmpty()) {
      Outcome outcome = judgePath(compiled, facts);
      if (outcome != Outcome.HIT) {
        return outcome;
      }
    }
    Outcome outcome = conditions(compiled, compiled.rule().match(), facts);
    return outcome == Outcome.HIT && ignored(compiled, facts) ? Outcome.IGNORED : outcome;
  }

  private Outcome judgePath(CompiledRule compiled, RequestFacts facts) {
    int block = firstPath(compiled, Mode.BLOCK, facts);
    if (block < 0 && firstPath(compiled, Mode.ALLOW, facts) >= 0) {
      return Outcome.ALLOWED_PATH;
    }
    judgedPathBlocks = block >= 0;
    int count = firstPath(compiled, Mode.COUNT, facts);
    judgedPath = block >= 0 && (count < 0 || block < count) ? block : count;
    if (judgedPath >= 0 || !compiled.needsPath()) {
      return Outcome.HIT;
    }
    boolean matches = first(rawPaths, compiled.paths()) >= 0;
    matches |= first(normalPaths, compiled.paths()) >= 0;
    matches |= first(queryPaths, compiled.paths()) >= 0;
    matches |= first(climbingPaths, compiled.paths()) >= 0;
    return matches ? Outcome.SERVED : Outcome.NO_PATH;
  }

  /** First pattern of a mode that matched and counts for the status, as its place in the rule. */
  private int firstPath(CompiledRule compiled, Mode mode, RequestFacts facts) {
    int first = firstPath(compiled, rawPaths, mode, facts);
    if (normalized) {
      first = earlier(first, firstPath(compiled, normalPaths, mode, facts));
      first = earlier(first, firstPath(compiled, queryPaths, mode, facts));
      first = earlier(first, firstPath(compiled, climbingPaths, mode, facts));
    }
    return first;
  }

  private static int earlier(int a, int b) {
    return a < 0 || b >= 0 && b < a ? b : a;
  }

  private static int firstPath(
      CompiledRule compiled, int[] matched, Mode mode, RequestFacts facts) {
    Range range = compiled.paths();
    for (int index : matched) {
      if (index >= range.from() && index < range.to()) {
        PathPattern pattern = compiled.rule().match().paths().get(index - range.from());
        if (pattern.mode() == mode && pattern.countsWith(facts.status())) {
          return index - range.from();
        }
      }
    }
    return UNKNOWN;
  }

  private Outcome conditions(CompiledRule compiled, Match match, RequestFacts facts) {
    StatusSet status = match.status();
    StatusSet originStatus = match.originStatus();
    if (status != null && !status.contains(facts.status())) {
      return Outcome.OTHER_STATUS;
    }
    if (originStatus != null && !originStatus.contains(facts.originStatus())) {
      return Outcome.OTHER_ORIGIN_STATUS;
    }
    if (match.authFailures() && !facts.authFailure()) {
      return Outcome.NO_AUTH_FAILURE;
    }
    if (match.failures()) {
      Failure failure = facts.failure();
      if (failure == null || failure.isIgnored()) {
        return failure == null ? Outcome.OTHER_MESSAGE : Outcome.IGNORED;
      }
    }
    if (!match.methods().isEmpty() && !contains(match.methods(), facts.method())) {
      return Outcome.OTHER_METHOD;
    }
    if (!match.hosts().isEmpty() && hosts.first(host(facts), compiled.hosts()) < 0) {
      return Outcome.OTHER_HOST;
    }
    if (!match.userAgents().isEmpty()
        && userAgents.first(facts.userAgent(), compiled.userAgents()) < 0) {
      return Outcome.OTHER_USER_AGENT;
    }
    boolean message =
        match.messages().isEmpty() || messages.first(facts.line(), compiled.messages()) >= 0;
    return message ? Outcome.HIT : Outcome.OTHER_MESSAGE;
  }

  private boolean ignored(CompiledRule compiled, RequestFacts facts) {
    Ignore ignore = compiled.rule().ignore();
    StatusSet status = ignore.status();
    return status != null && status.contains(facts.status())
        || !compiled.ignoredPaths().isEmpty() && ignoredPath(compiled, facts.target())
        || !ignore.methods().isEmpty() && contains(ignore.methods(), facts.method())
        || hosts.first(host(facts), compiled.ignoredHosts()) >= 0
        || userAgents.first(facts.userAgent(), compiled.ignoredUserAgents()) >= 0
        || messages.first(facts.line(), compiled.ignoredMessages()) >= 0;
  }

  private boolean ignoredPath(CompiledRule compiled, Slice target) {
    if (!target.isPresent()) {
      return false;
    }
    int end = target.from();
    while (end < target.to() && target.array()[end] != '?') {
      end++;
    }
    Range range = compiled.ignoredPaths();
    int[] raw = ignoredPaths.matched(ignoredPaths.match(target.array(), target.from(), end));
    if (first(raw, range) < 0) {
      return false;
    }
    if (!normalized) {
      return true;
    }
    int length = normalizer.length();
    return first(ignoredPaths.matched(ignoredPaths.match(normalizer.bytes(), 0, length)), range)
        >= 0;
  }

  private final Slice hostName = new Slice();

  /** The host without its port. */
  private Slice host(RequestFacts facts) {
    Slice host = facts.host();
    hostName.set(host);
    for (int i = host.to() - 1; i >= host.from() && host.isPresent(); i--) {
      byte b = host.array()[i];
      if (b == ':') {
        hostName.set(host.array(), host.from(), i);
        break;
      }
      if (b < '0' || b > '9') {
        break;
      }
    }
    return hostName;
  }

  private static boolean contains(Iterable<String> words, Slice field) {
    for (String word : words) {
      if (field.equalsAscii(word)) {
        return true;
      }
    }
    return false;
  }

  private static int first(int[] matched, Range range) {
    for (int index : matched) {
      if (index >= range.from() && index < range.to()) {
        return index - range.from();
      }
    }
    return UNKNOWN;
  }

  /** Runs the expressions for one field at most once a line, and only when a rule asks. */
  private static final class FieldMatcher {
    private final PatternMatcher matcher;
    private int[] matched = NOTHING;
    private boolean known;

    FieldMatcher(PatternMatcher matcher) {
      this.matcher = matcher;
    }

    void reset() {
      known = false;
    }

    /** First expression of a rule that matches the field, as its place in the rule, or -1. */
    int first(Slice field, Range range) {
      if (range.isEmpty()) {
        return UNKNOWN;
      }
      if (!known) {
        known = true;
        matched =
            field.isPresent()
                ? matcher.matched(matcher.match(field.array(), field.from(), field.to()))
                : NOTHING;
      }
      return RuleMatcher.first(matched, range);
    }
  }
}
