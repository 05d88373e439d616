package io.ipsentry.watcher.pack;

import java.util.Locale;
import java.util.Random;
import java.util.function.BiFunction;

/** Other ways to write a request target that servers take for the same one. */
enum Mutation {
  NONE((target, random) -> target),
  ENCODED((target, random) -> onPath(target, path -> encoded(path, "%", random))),
  ENCODED_TWICE((target, random) -> onPath(target, path -> encoded(path, "%25", random))),
  SLASHES((target, random) -> onPath(target, path -> atSlash(path, "//", random))),
  DOT_SEGMENT((target, random) -> onPath(target, path -> atSlash(path, "/./", random))),
  CLIMBING((target, random) -> onPath(target, path -> "/assets/.." + path)),
  PARAMETER((target, random) -> onPath(target, path -> parameter(path, random))),
  ABSOLUTE((target, random) -> "http://www.example.com" + target),
  CASE((target, random) -> onPath(target, path -> otherCase(path, random))),
  ENCODED_QUERY((target, random) -> onQuery(target, query -> encoded(query, "%", random))),
  LONGER_QUERY((target, random) -> target + (target.contains("?") ? "&zz=1" : "?zz=1")),
  BACKSLASH((target, random) -> onPath(target, path -> backslash(path)));

  private final BiFunction<String, Random, String> change;

  Mutation(BiFunction<String, Random, String> change) {
    this.change = change;
  }

  String of(String target, Random random) {
    return change.apply(target, random);
  }

  private interface Change {
    String of(String part);
  }

  private static String onPath(String target, Change change) {
    int query = target.indexOf('?');
    return query < 0
        ? change.of(target)
        : change.of(target.substring(0, query)) + target.substring(query);
  }

  private static String onQuery(String target, Change change) {
    int query = target.indexOf('?');
    return query < 0
        ? target
        : target.substring(0, query + 1) + change.of(target.substring(query + 1));
  }

  /** Up to three letters or digits as escapes; not those of escapes that are there. */
  private static String encoded(String text, String prefix, Random random) {
    StringBuilder out = new StringBuilder(text);
    for (int i = 0; i < 3; i++) {
      int at = random.nextInt(Math.max(1, out.length()));
      boolean inEscape =
          out.substring(Math.max(0, at - 4), Math.min(out.length(), at + 4)).contains("%");
      if (at < out.length()
          && Character.isLetterOrDigit(out.charAt(at))
          && !inEscape
          && out.charAt(at) < 128) {
        String escape = prefix + String.format(Locale.ROOT, "%02x", (int) out.charAt(at));
        out.replace(at, at + 1, random.nextBoolean() ? escape : escape.toUpperCase(Locale.ROOT));
      }
    }
    return out.toString();
  }

  private static int slash(String path, Random random) {
    int from = random.nextInt(Math.max(1, path.length()));
    return path.lastIndexOf('/', from);
  }

  private static String atSlash(String path, String with, Random random) {
    int at = slash(path, random);
    return at < 0 ? path : path.substring(0, at) + with + path.substring(at + 1);
  }

  /** Behind a segment that has a name. */
  private static String parameter(String path, Random random) {
    int end = path.indexOf('/', random.nextInt(Math.max(1, path.length())) + 1);
    int at = end < 0 ? path.length() : end;
    char before = at == 0 ? '/' : path.charAt(at - 1);
    return before == '/' || before == '.'
        ? path
        : path.substring(0, at) + ";x=1" + path.substring(at);
  }

  private static String otherCase(String path, Random random) {
    StringBuilder out = new StringBuilder(path);
    for (int i = 0; i < out.length(); i++) {
      char c = out.charAt(i);
      if (random.nextBoolean() && c < 128) {
        out.setCharAt(
            i, Character.isUpperCase(c) ? Character.toLowerCase(c) : Character.toUpperCase(c));
      }
    }
    return out.toString();
  }

  /** All slashes but the first, as on Windows servers. */
  private static String backslash(String path) {
    return path.isEmpty() ? path : path.charAt(0) + path.substring(1).replace('/', '\\');
  }
}
