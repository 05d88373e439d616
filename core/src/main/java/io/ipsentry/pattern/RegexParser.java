package io.ipsentry.pattern;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads a regular expression by recursive descent; {@link PatternSource} tells the syntax.
 *
 * <p>Flags hold until the end of the group in which they are set, as in Java; Python allows them at
 * the start only, where both mean the same.
 */
final class RegexParser {
  /** Groups in groups. */
  static final int MAX_NESTING = 200;

  /** Largest number in a quantifier. */
  static final int MAX_REPEAT = 1000;

  private static final int IGNORE_CASE = 1;
  private static final int MULTI_LINE = 2;
  private static final int DOT_ALL = 4;
  private static final int VERBOSE = 8;

  private static final Pattern POSIX_CLASS = Pattern.compile("\\[:(\\^?)([a-z]+):]");

  private final String regex;
  private final Map<String, Integer> names = new LinkedHashMap<>();
  private final List<Reference> references = new ArrayList<>();
  private int at;
  private int flags;
  private int groups;
  private int nesting;
  private int quoteEnd;

  /** A group that was named before all groups were known. */
  private record Reference(int group, int position) {}

  private record Quantifier(int min, int max) {}

  private RegexParser(PatternSource source) {
    this.regex = source.regex();
    this.flags = source.ignoreCase() ? IGNORE_CASE : 0;
  }

  static Regex parse(PatternSource source) {
    RegexParser parser = new RegexParser(source);
    Node root = parser.choice();
    if (parser.at < parser.regex.length()) {
      throw parser.invalid(
          parser.at, "closing parenthesis without an opening one", "write \\) for a parenthesis");
    }
    for (Reference reference : parser.references) {
      if (reference.group > parser.groups) {
        throw parser.invalid(
            reference.position,
            "there is no group " + reference.group,
            "number groups by their opening parentheses, from 1");
      }
    }
    return new Regex(source, root, parser.groups, Collections.unmodifiableMap(parser.names));
  }

  private Node choice() {
    int outerFlags = flags;
    List<Node> options = new ArrayList<>();
    options.add(sequence());
    while (take('|')) {
      options.add(sequence());
    }
    flags = outerFlags;
    return options.size() == 1 ? options.getFirst() : new Node.Choice(List.copyOf(options));
  }

  private Node sequence() {
    List<Node> parts = new ArrayList<>();
    while (true) {
      skipIgnored();
      if (!inQuote() && (at == regex.length() || peek('|') || peek(')'))) {
        break;
      }
      int start = at;
      Node atom = atom();
      if (atom == null) {
        continue;
      }
      parts.add(quantified(atom, start));
    }
    return parts.size() == 1 ? parts.getFirst() : new Node.Sequence(List.copyOf(parts));
  }

  private Node quantified(Node atom, int start) {
    if (inQuote()) {
      return atom;
    }
    take("\\E");
    skipIgnored();
    int quantifierAt = at;
    Quantifier quantifier = quantifier();
    if (quantifier == null) {
      return atom;
    }
    if (atom instanceof Node.Assertion && regex.charAt(start) != '(') {
      throw invalid(start, "an anchor cannot be repeated", "remove the quantifier behind it");
    }
    Node repeated;
    if (take('+')) {
      repeated = new Node.Atomic(repeat(atom, quantifier, Node.Greed.GREEDY));
    } else {
      boolean lazy = take('?');
      repeated = repeat(atom, quantifier, lazy ? Node.Greed.LAZY : Node.Greed.GREEDY);
    }
    skipIgnored();
    int secondAt = at;
    if (quantifier() != null) {
      throw invalid(
          secondAt,
          "two quantifiers in a row",
          "put the first part in a group (?:…) or remove one");
    }
    if (quantifier.max < quantifier.min) {
      throw invalid(quantifierAt, "the bounds are the wrong way round", "write {least,most}");
    }
    return repeated;
  }

  private static Node repeat(Node body, Quantifier quantifier, Node.Greed greed) {
    return new Node.Repeat(body, quantifier.min, quantifier.max, greed);
  }

  /** Reads a quantifier if there is one; a brace that is none is left for a literal. */
  private @Nullable Quantifier quantifier() {
    if (take('*')) {
      return new Quantifier(0, Node.UNBOUNDED);
    }
    if (take('+')) {
      return new Quantifier(1, Node.UNBOUNDED);
    }
    if (take('?')) {
      return new Quantifier(0, 1);
    }
    if (!peek('{')) {
      return null;
    }
    int start = at++;
    int min = number();
    int max = min;
    if (take(',')) {
      max = number();
      if (min < 0 && max < 0 || !take('}')) {
        at = start;
        return null;
      }
      min = Math.max(min, 0);
      max = max < 0 ? Node.UNBOUNDED : max;
    } else if (min < 0 || !take('}')) {
      at = start;
      return null;
    }
    if (min > MAX_REPEAT || max != Node.UNBOUNDED && max > MAX_REPEAT) {
      throw invalid(
          start, "more than " + MAX_REPEAT + " repetitions", "use + or * and a rule on the length");
    }
    return new Quantifier(min, max);
  }

  /** A decimal number, or -1; large ones come out as some number above the limit. */
  private int number() {
    int start = at;
    int value = 0;
    while (at < regex.length() && isDigit(regex.charAt(at))) {
      value = Math.min(value * 10 + regex.charAt(at++) - '0', MAX_REPEAT + 1);
    }
    return at == start ? -1 : value;
  }

  /** One thing that can be repeated, or null for what stands for nothing (flags, comments). */
  private @Nullable Node atom() {
    if (inQuote()) {
      return literal(next());
    }
    if (take("\\Q")) {
      int end = regex.indexOf("\\E", at);
      quoteEnd = end < 0 ? regex.length() : end;
      return null;
    }
    if (take("\\E")) {
      return null;
    }
    int start = at;
    int c = next();
    return switch (c) {
      case '.' -> new Node.Bytes(has(DOT_ALL) ? ByteSet.ALL : ByteSet.LINE_FEED.not());
      case '^' ->
          assertion(has(MULTI_LINE) ? Node.Condition.LINE_START : Node.Condition.TEXT_START, 0);
      case '$' ->
          assertion(has(MULTI_LINE) ? Node.Condition.LINE_END : Node.Condition.LAST_LINE_END, 0);
      case '(' -> group(start);
      case '[' -> characterClass(start);
      case '\\' -> escape(start);
      case '*', '+', '?' ->
          throw invalid(start, "nothing to repeat", "write \\" + (char) c + " for the character");
      default -> literal(c);
    };
  }

  private Node assertion(Node.Condition condition, int charactersLeft) {
    at += charactersLeft;
    return new Node.Assertion(condition);
  }

  private Node literal(int c) {
    if (c < 128 && !has(IGNORE_CASE)) {
      return new Node.Bytes(ByteSet.of(c));
    }
    CharacterClass one = new CharacterClass();
    one.add(c, c);
    if (has(IGNORE_CASE)) {
      one.foldCase();
    }
    return one.build(false);
  }

  private @Nullable Node group(int start) {
    if (++nesting > MAX_NESTING) {
      throw invalid(start, "more than " + MAX_NESTING + " nested groups", "simplify it");
    }
    int outerFlags = flags;
    Node node;
    if (take("?")) {
      node = specialGroup(start);
      if (node == null) {
        nesting--;
        return null;
      }
    } else {
      node = capturing(start);
    }
    flags = outerFlags;
    nesting--;
    return node;
  }

  private Node capturing(int start) {
    int number = ++groups;
    return new Node.Group(body(start), number);
  }

  /** What is left of a group, and its closing parenthesis. */
  private Node body(int start) {
    Node body = choice();
    close(start);
    return body;
  }

  private void close(int start) {
    if (!take(')')) {
      throw invalid(
          start, "group without an end", "close it with ), or write \\( for the character");
    }
  }

  private @Nullable Node specialGroup(int start) {
    if (take("#")) {
      int end = regex.indexOf(')', at);
      at = end < 0 ? regex.length() : end;
      close(start);
      return null;
    }
    if (take(":")) {
      return body(start);
    }
    if (take(">")) {
      return new Node.Atomic(body(start));
    }
    if (take("=") || take("!")) {
      boolean negated = regex.charAt(at - 1) == '!';
      return new Node.Look(body(start), false, negated, start);
    }
    if (take("<=") || take("<!")) {
      boolean negated = regex.charAt(at - 1) == '!';
      return new Node.Look(body(start), true, negated, start);
    }
    if (take("P<") || take("<")) {
      return named(start);
    }
    if (take("P=")) {
      return reference(group(name(')'), start), start);
    }
    if (take("(")) {
      return conditional(start);
    }
    return flags(start);
  }

  private Node named(int start) {
    String name = name('>');
    if (names.putIfAbsent(name, groups + 1) != null) {
      throw invalid(start, "two groups have the name " + name, "give each group a name of its own");
    }
    return capturing(start);
  }

  private Node conditional(int start) {
    int group = at < regex.length() && isDigit(regex.charAt(at)) ? number() : -1;
    if (group >= 0) {
      close(start);
      references.add(new Reference(group, start));
    } else {
      group = group(name(')'), start);
    }
    int outerFlags = flags;
    Node yes = sequence();
    Node no = take('|') ? sequence() : new Node.Empty();
    flags = outerFlags;
    if (peek('|')) {
      throw invalid(
          at, "a conditional has two branches at most", "put the branch in a group (?:…)");
    }
    close(start);
    if (group == 0) {
      throw invalid(start, "group 0 cannot be asked for", "number groups from 1");
    }
    return new Node.Conditional(group, yes, no);
  }

  /** Flags for the rest of the surrounding group, or for a group of their own. */
  private @Nullable Node flags(int start) {
    int on = 0;
    int off = 0;
    boolean negative = false;
    while (true) {
      if (at == regex.length()) {
        throw invalid(start, "group without an end", "close it with )");
      }
      char c = regex.charAt(at++);
      switch (c) {
        case ')', ':' -> {
          flags = (flags | on) & ~off;
          return c == ':' ? body(start) : null;
        }
        case '-' -> negative = true;
        default -> {
          int flag = flag(c, start);
          if (negative) {
            off |= flag;
          } else {
            on |= flag;
          }
        }
      }
    }
  }

  private int flag(char c, int start) {
    return switch (c) {
      case 'i' -> IGNORE_CASE;
      case 'm' -> MULTI_LINE;
      case 's' -> DOT_ALL;
      case 'x' -> VERBOSE;
      // ASCII classes, Unicode text, line feeds only: how it is anyway.
      case 'a', 'u', 'd' -> 0;
      default ->
          throw invalid(
              start,
              "unknown group or flag (?" + c,
              "known are (?: (?= (?! (?<= (?<! (?> (?P< (?P= and i m s x");
    };
  }

  private String name(char end) {
    int start = at;
    while (at < regex.length() && regex.charAt(at) != end) {
      at++;
    }
    String name = regex.substring(start, at);
    if (at++ == regex.length() || !name.matches("[A-Za-z_][A-Za-z0-9_]*")) {
      throw invalid(start, "not a name of a group", "use letters, digits and _, then " + end);
    }
    return name;
  }

  private int group(String name, int start) {
    Integer number = names.get(name);
    if (number == null) {
      throw invalid(start, "there is no group " + name, "name a group that comes before");
    }
    return number;
  }

  private Node reference(int group, int start) {
    references.add(new Reference(group, start));
    return new Node.BackReference(group, has(IGNORE_CASE));
  }

  private Node escape(int start) {
    if (at == regex.length()) {
      throw invalid(start, "backslash at the end", "write \\\\ for a backslash");
    }
    char c = regex.charAt(at);
    return switch (c) {
      case 'b' -> assertion(Node.Condition.WORD_BOUNDARY, 1);
      case 'B' -> assertion(Node.Condition.NO_WORD_BOUNDARY, 1);
      case 'A' -> assertion(Node.Condition.TEXT_START, 1);
      case 'z', 'Z' -> assertion(Node.Condition.TEXT_END, 1);
      case 'k' -> {
        at++;
        if (!take('<')) {
          throw invalid(start, "\\k without a name", "write \\k<name>");
        }
        yield reference(group(name('>'), start), start);
      }
      case '1', '2', '3', '4', '5', '6', '7', '8', '9' -> numberedReference(start);
      default -> {
        ByteSet set = classEscape(c);
        if (set == null) {
          yield literal(characterEscape(start));
        }
        at++;
        yield new Node.Bytes(set);
      }
    };
  }

  /** A back-reference; a second digit belongs to it if there are that many groups before. */
  private Node numberedReference(int start) {
    int number = regex.charAt(at++) - '0';
    if (at < regex.length() && isDigit(regex.charAt(at))) {
      int longer = number * 10 + regex.charAt(at) - '0';
      if (longer <= groups) {
        at++;
        number = longer;
      }
    }
    return reference(number, start);
  }

  private static @Nullable ByteSet classEscape(char c) {
    return switch (c) {
      case 'd' -> CharacterClass.digits();
      case 'D' -> CharacterClass.digits().not();
      case 's' -> CharacterClass.spaces();
      case 'S' -> CharacterClass.spaces().not();
      case 'w' -> ByteSet.WORD;
      case 'W' -> ByteSet.WORD.not();
      default -> null;
    };
  }

  /** The character behind a backslash, the same inside and outside of classes. */
  private int characterEscape(int start) {
    int c = next();
    return switch (c) {
      case 't' -> '\t';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 'f' -> '\f';
      case 'v' -> 0x0b;
      case 'a' -> 0x07;
      case 'e' -> 0x1b;
      case '0' -> octal();
      case 'x' -> take('{') ? bracedHex(start) : hex(2, start);
      case 'u' -> hex(4, start);
      case 'U' -> hex(8, start);
      default -> {
        if (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '1' && c <= '9') {
          throw invalid(
              start,
              "unknown escape \\" + (char) c,
              c == 'p' || c == 'P' ? "write a class such as [A-Za-z]" : "remove the backslash");
        }
        yield c;
      }
    };
  }

  private int octal() {
    int value = 0;
    for (int i = 0;
        i < 2 && at < regex.length() && Character.digit(regex.charAt(at), 8) >= 0;
        i++) {
      value = value * 8 + regex.charAt(at++) - '0';
    }
    return value;
  }

  private int bracedHex(int start) {
    int end = regex.indexOf('}', at);
    if (end < 0 || end - at > 6) {
      throw invalid(start, "not a character number", "write \\x{…} with up to six hex digits");
    }
    int value = hex(end - at, start);
    at++;
    return value;
  }

  private int hex(int digits, int start) {
    int value = 0;
    for (int i = 0; i < digits; i++) {
      int digit = at < regex.length() ? Character.digit(regex.charAt(at), 16) : -1;
      if (digit < 0 || regex.charAt(at) >= 128) {
        throw invalid(start, "not a character number", "write " + digits + " hex digits");
      }
      value = value << 4 | digit;
      at++;
    }
    if (digits == 0 || !Character.isValidCodePoint(value) || value >= 0xd800 && value <= 0xdfff) {
      throw invalid(start, "not a character number", "write a Unicode code point in hex");
    }
    return value;
  }

  private Node characterClass(int start) {
    CharacterClass chars = new CharacterClass();
    boolean negated = take('^');
    boolean first = true;
    while (true) {
      if (at == regex.length()) {
        throw invalid(
            start, "class without an end", "close it with ], or write \\[ for the character");
      }
      if (peek(']') && !first) {
        at++;
        break;
      }
      first = false;
      classItem(chars);
    }
    if (has(IGNORE_CASE)) {
      chars.foldCase();
    }
    return chars.build(negated);
  }

  private void classItem(CharacterClass chars) {
    int start = at;
    Matcher posix = POSIX_CLASS.matcher(regex).region(at, regex.length());
    if (posix.lookingAt()) {
      at = posix.end();
      ByteSet set = posixClass(posix.group(2), start);
      chars.add(posix.group(1).isEmpty() ? set : set.not());
      return;
    }
    int low = classCharacter(chars);
    boolean range = peek('-') && at + 1 < regex.length() && regex.charAt(at + 1) != ']';
    if (!range) {
      if (low >= 0) {
        chars.add(low, low);
      }
      return;
    }
    at++;
    int high = low < 0 ? -1 : classCharacter(null);
    if (high < low || high < 0) {
      throw invalid(start, "not a range of characters", "write first-last, or \\- for a dash");
    }
    chars.add(low, high);
  }

  /** A character of a class, or -1 when it was a set such as {@code \d}, which is then added. */
  private int classCharacter(@Nullable CharacterClass chars) {
    int start = at;
    int c = next();
    if (c != '\\') {
      return c;
    }
    if (at == regex.length()) {
      throw invalid(start, "backslash at the end", "write \\\\ for a backslash");
    }
    char escaped = regex.charAt(at);
    ByteSet set = classEscape(escaped);
    if (set != null) {
      at++;
      if (chars != null) {
        chars.add(set);
      }
      return -1;
    }
    if (escaped == 'b') {
      at++;
      return 0x08;
    }
    return characterEscape(start);
  }

  private ByteSet posixClass(String name, int start) {
    return switch (name) {
      case "alnum" -> letters().or(CharacterClass.digits());
      case "alpha" -> letters();
      case "ascii" -> ByteSet.range(0, 127);
      case "blank" -> ByteSet.of(' ').or(ByteSet.of('\t'));
      case "cntrl" -> ByteSet.range(0, 31).or(ByteSet.of(127));
      case "digit" -> CharacterClass.digits();
      case "graph" -> ByteSet.range(33, 126);
      case "lower" -> ByteSet.range('a', 'z');
      case "print" -> ByteSet.range(32, 126);
      case "punct" ->
          ByteSet.range(33, 47)
              .or(ByteSet.range(58, 64))
              .or(ByteSet.range(91, 96))
              .or(ByteSet.range(123, 126));
      case "space" -> CharacterClass.spaces();
      case "upper" -> ByteSet.range('A', 'Z');
      case "word" -> ByteSet.WORD;
      case "xdigit" ->
          CharacterClass.digits().or(ByteSet.range('A', 'F')).or(ByteSet.range('a', 'f'));
      default ->
          throw invalid(
              start, "unknown class [:" + name + ":]", "write [a-z] or escape the bracket");
    };
  }

  private static ByteSet letters() {
    return ByteSet.range('A', 'Z').or(ByteSet.range('a', 'z'));
  }

  /** In verbose mode, passes white space and comments. */
  private void skipIgnored() {
    while (has(VERBOSE) && !inQuote() && at < regex.length()) {
      char c = regex.charAt(at);
      if (c == '#') {
        int end = regex.indexOf('\n', at);
        at = end < 0 ? regex.length() : end + 1;
      } else if (c == ' ' || c >= '\t' && c <= '\r') {
        at++;
      } else {
        return;
      }
    }
  }

  /** Whether the next character is between {@code \Q} and {@code \E}. */
  private boolean inQuote() {
    return at < quoteEnd;
  }

  private boolean has(int flag) {
    return (flags & flag) != 0;
  }

  private int next() {
    int c = regex.codePointAt(at);
    at += Character.charCount(c);
    if (c >= 0xd800 && c <= 0xdfff) {
      throw invalid(at - 1, "half a surrogate pair", "write the character itself");
    }
    return c;
  }

  private boolean peek(char c) {
    return at < regex.length() && regex.charAt(at) == c;
  }

  private boolean take(char c) {
    if (peek(c)) {
      at++;
      return true;
    }
    return false;
  }

  private boolean take(String text) {
    if (regex.startsWith(text, at)) {
      at += text.length();
      return true;
    }
    return false;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private InvalidPatternException invalid(int position, String reason, String remedy) {
    return new InvalidPatternException(regex, position, reason, remedy);
  }
}
