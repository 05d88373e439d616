package io.ipsentry.pattern;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The same expressions on {@code java.util.regex}, as the model to compare with: bytes are ISO
 * 8859-1 characters, and a search that takes too long has no answer.
 */
final class JavaRegex {
  private static final int MAX_READS = 200_000;

  private JavaRegex() {}

  /** A text that counts how often it is read. */
  private static final class Text implements CharSequence {
    private final String text;
    private int reads;

    Text(String text) {
      this.text = text;
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public char charAt(int i) {
      if (++reads > MAX_READS) {
        throw new TooLongException();
      }
      return text.charAt(i);
    }

    @Override
    public CharSequence subSequence(int from, int to) {
      return text.substring(from, to);
    }

    @Override
    public String toString() {
      return text;
    }
  }

  private static final class TooLongException extends RuntimeException {
    TooLongException() {
      super("too many reads", null, false, false);
    }
  }

  /** Starts and ends of all groups of the first match, empty for no match, null for no answer. */
  static int @Nullable [] find(Pattern pattern, byte[] b) {
    java.util.regex.Matcher matcher = pattern.matcher(new Text(new String(b, ISO_8859_1)));
    try {
      if (!matcher.find()) {
        return new int[0];
      }
      int[] offsets = new int[2 * matcher.groupCount() + 2];
      for (int group = 0; group <= matcher.groupCount(); group++) {
        offsets[2 * group] = matcher.start(group);
        offsets[2 * group + 1] = matcher.end(group);
      }
      return offsets;
    } catch (TooLongException | StackOverflowError _) {
      return null;
    }
  }

  /** A tree in Java's syntax, without a construct that depends on flags. */
  static String print(Node node) {
    return switch (node) {
      case Node.Empty _ -> "(?:)";
      case Node.Bytes(var set) -> print(set);
      case Node.Sequence(var parts) ->
          parts.stream().map(JavaRegex::print).collect(Collectors.joining("", "(?:", ")"));
      case Node.Choice(var options) ->
          options.stream().map(JavaRegex::print).collect(Collectors.joining("|", "(?:", ")"));
      case Node.Repeat repeat ->
          "(?:"
              + print(repeat.body())
              + "){"
              + repeat.min()
              + ","
              + (repeat.max() == Node.UNBOUNDED ? "" : repeat.max())
              + "}"
              + (repeat.greed() == Node.Greed.LAZY ? "?" : "");
      case Node.Group(var body, _) -> "(" + print(body) + ")";
      case Node.Look look ->
          (look.behind() ? "(?<" : "(?") + (look.negated() ? "!" : "=") + print(look.body()) + ")";
      case Node.Atomic(var body) -> "(?>" + print(body) + ")";
      case Node.BackReference(var group, var ignoreCase) ->
          (ignoreCase ? "(?i:\\" : "(?:\\") + group + ")";
      case Node.Conditional _ -> throw new UnsupportedOperationException("Java has none");
      case Node.Assertion(var condition) ->
          switch (condition) {
            case TEXT_START -> "\\A";
            case LINE_START -> "(?:\\A|(?<=\\n))";
            case TEXT_END -> "\\z";
            case LAST_LINE_END -> "(?=\\n?\\z)";
            case LINE_END -> "(?=\\n|\\z)";
            case WORD_BOUNDARY -> "\\b";
            case NO_WORD_BOUNDARY -> "\\B";
          };
    };
  }

  private static String print(ByteSet set) {
    if (set.equals(ByteSet.none())) {
      return "(?!)";
    }
    StringBuilder text = new StringBuilder("[");
    for (int value = 0; value < 256; value++) {
      if (set.contains(value)) {
        text.append(String.format("\\x%02x", value));
      }
    }
    return text.append(']').toString();
  }
}
