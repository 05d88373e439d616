package io.ipsentry.pattern;

import java.util.Random;

/**
 * Makes random expressions in the syntax that this package and Java read alike (but for
 * conditionals), and texts for them.
 */
final class RandomRegex {
  private static final String LITERALS = "aabbc/_- ";
  private static final String[] ATOMS = {
    ".", "[ab]", "[^a]", "[a-c]", "[^\\n/]", "\\d", "\\w", "\\s", "\\W", "\\S", "\\D", "\\.",
    "\\x61", "[\\w.]", "[^\\w]", "\\n"
  };
  private static final String[] ASSERTIONS = {"^", "$", "\\b", "\\B", "\\A", "\\z"};
  private static final String[] QUANTIFIERS = {
    "*", "+", "?", "{2}", "{1,}", "{0,2}", "{1,3}", "*?", "+?", "??", "{1,2}?"
  };
  private static final String[] GROUPS = {"(", "(", "(?:", "(?i:", "(?s:"};
  private static final String[] SPECIAL_GROUPS = {"(?=", "(?!", "(?<=", "(?<!", "(?>"};

  private final Random random;
  private final boolean beyondAutomata;
  private int groups;

  /** Makes expressions that an automaton can express, or others too. */
  RandomRegex(Random random, boolean beyondAutomata) {
    this.random = random;
    this.beyondAutomata = beyondAutomata;
  }

  String regex() {
    groups = 0;
    return choice(4, false);
  }

  byte[] text() {
    String alphabet = "aaabbbcAB/_-.1 \n\u00e4";
    byte[] text = new byte[random.nextInt(random.nextInt(8) == 0 ? 40 : 12)];
    for (int i = 0; i < text.length; i++) {
      text[i] = (byte) alphabet.charAt(random.nextInt(alphabet.length()));
    }
    return text;
  }

  private String choice(int depth, boolean bounded) {
    StringBuilder text = new StringBuilder(sequence(depth, bounded));
    while (random.nextInt(4) == 0) {
      text.append('|').append(sequence(depth, bounded));
    }
    return text.toString();
  }

  private String sequence(int depth, boolean bounded) {
    StringBuilder text = new StringBuilder();
    int length = random.nextInt(4);
    for (int i = 0; i < length; i++) {
      text.append(part(depth, bounded));
    }
    return text.toString();
  }

  private String part(int depth, boolean bounded) {
    int kind = random.nextInt(12);
    if (kind == 0) {
      return pick(ASSERTIONS);
    }
    if (beyondAutomata && kind == 1 && groups > 0 && !bounded) {
      int group = 1 + random.nextInt(groups);
      return random.nextBoolean()
          ? "\\" + group + "(?:)"
          : "(?(" + group + ")" + part(0, false) + "|" + part(0, false) + ")";
    }
    if (beyondAutomata && kind == 2 && depth > 0) {
      String open = pick(SPECIAL_GROUPS);
      return open + choice(depth - 1, bounded || open.startsWith("(?<")) + ")";
    }
    String atom;
    if (kind < 5 && depth > 0) {
      String open = pick(GROUPS);
      String body = choice(depth - 1, bounded);
      groups += open.equals("(") ? 1 : 0;
      atom = open + body + ")";
    } else if (kind < 8) {
      atom = pick(ATOMS);
    } else {
      atom = String.valueOf(LITERALS.charAt(random.nextInt(LITERALS.length())));
    }
    if (random.nextInt(3) > 0) {
      return atom;
    }
    String quantifier = pick(QUANTIFIERS);
    boolean unbounded =
        quantifier.startsWith("*") || quantifier.startsWith("+") || quantifier.startsWith("{1,}");
    if (bounded && unbounded) {
      return atom;
    }
    boolean possessive = beyondAutomata && !quantifier.endsWith("?") && random.nextInt(6) == 0;
    return atom + quantifier + (possessive ? "+" : "");
  }

  private String pick(String[] from) {
    return from[random.nextInt(from.length)];
  }
}
