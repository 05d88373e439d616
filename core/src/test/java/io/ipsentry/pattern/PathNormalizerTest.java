package io.ipsentry.pattern;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class PathNormalizerTest {
  private final PathNormalizer normalizer = new PathNormalizer();

  @ParameterizedTest
  @CsvSource({
    "/, /",
    "/index.html, /index.html",
    "/a/b/, /a/b/",
    "/.env, /.env",
    "/%2e%65nv, /.env",
    "/%2E%65NV, /.eNV",
    "//.env, /.env",
    "///.env, /.env",
    "/./.env, /.env",
    "/.//./.env, /.env",
    "/x/..;/.env, /.env",
    "/x/../.env, /.env",
    "/../../.env, /.env",
    "/..%2f..%2f.env, /.env",
    "/x/%2e%2e/.env, /.env",
    "HTTP://host/.env, /.env",
    "http://host:8080/.env?a=b, /.env",
    "http://host, /",
    "http://host?q, /",
    "http:///.env, /.env",
    "/.env;a=b, /.env",
    "/.env;a=b;c/d, /.env/d",
    "/;a=b/.env, /.env",
    "/.env%3ba=b, /.env",
    "/%252e%65nv, /.env",
    "/%25252e%25252565nv, /.env",
    "/%%32%65env, /.env",
    "/%2%65env, /.env",
    "/.env?x=/../y, /.env",
    "/.env#top, /.env",
    "/.env%3fx, /.env%3fx",
    "/.env%23x, /.env%23x",
    "/.env%00.png, /.env%00.png",
    "/a%0d%0ab, /a%0d%0ab",
    "/a%7fb, /a%7fb",
    "/a%zz%4, /a%zz%4",
    "/%c0%2e/.env, /%c0./.env",
    "/%f5%c1, /%f5%c1",
    "/a+b, /a+b",
    "/a%20b, '/a b'",
    "\\.env, /.env",
    "/x\\..\\.env, /.env",
    "/x%5c..%5c.env, /.env",
    "/%2f.env, /.env",
    "%2f.env, /.env",
    "/.git, /.git",
    "/.git/, /.git/",
    "/.git/., /.git/",
    "/.git/x/.., /.git/",
    "/..., /...",
    "/.../.env, /.../.env",
    "/..env, /..env",
    "/a./b, /a./b",
    "*, *",
    "host:443, host:443",
    "host:443?x, host:443",
    ".env, .env",
    "%2e, %2e",
    "a://, /",
    "a://h, /",
    "'', ''",
    "?x, ''",
  })
  void normalize_target_judgedPath(String target, String expected) {
    assertThat(normalize(target)).isEqualTo(expected);
  }

  @Test
  void normalize_utf8Escapes_bytes() {
    assertThat(normalize("/%c3%a4")).isEqualTo("/\u00c3\u00a4");
  }

  @Test
  void normalize_backslashKept_staysInSegment() {
    PathNormalizer unix = new PathNormalizer(false);
    byte[] target = "/a\\..\\b".getBytes(ISO_8859_1);
    int length = unix.normalize(target, 0, target.length);
    assertThat(new String(unix.bytes(), 0, length, ISO_8859_1)).isEqualTo("/a\\..\\b");
  }

  @Test
  void normalize_partOfArray_nothingElseIsRead() {
    byte[] line = "GET /%2e/x?y HTTP".getBytes(ISO_8859_1);
    int length = normalizer.normalize(line, 4, 10);
    assertThat(new String(normalizer.bytes(), 0, length, ISO_8859_1)).isEqualTo("/x");
    assertThat(normalizer.length()).isEqualTo(length);
  }

  @ParameterizedTest
  @CsvSource({
    "/, false",
    "/index.html, false",
    "/.env, false",
    "/.git/config, false",
    "/a/b/, false",
    "/a.b/c..d, false",
    "/..., true",
    "/a?b, true",
    "//a, true",
    "/a//, true",
    "/a/., true",
    "/a/./b, true",
    "/.., true",
    "/a;b, true",
    "/%41, true",
    "/a\\b, true",
    "*, true",
    "http://h/, true",
  })
  void needsNormalizing_target_trueUnlessOrdinary(String target, boolean expected) {
    byte[] bytes = target.getBytes(ISO_8859_1);
    assertThat(PathNormalizer.needsNormalizing(bytes, 0, bytes.length)).isEqualTo(expected);
  }

  @Test
  void normalize_randomTargets_idempotentNotLongerAndCheckAgrees() {
    long seed = 20261121L;
    Random random = new Random(seed);
    String alphabet = "/////....%%%%2225eEfFcC03bB;;?#\\ab:*+\u00e4";
    for (int round = 0; round < 200_000; round++) {
      StringBuilder target = new StringBuilder(random.nextBoolean() ? "/" : "");
      int length = random.nextInt(24);
      for (int i = 0; i < length; i++) {
        target.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      assertNormal(target.toString(), "seed " + seed + ", target " + target);
    }
  }

  static void assertNormal(String target, String description) {
    PathNormalizer normalizer = new PathNormalizer();
    byte[] bytes = target.getBytes(ISO_8859_1);
    int length = normalizer.normalize(bytes, 0, bytes.length);
    String once = new String(normalizer.bytes(), 0, length, ISO_8859_1);
    assertThat(length).as(description).isLessThanOrEqualTo(bytes.length);
    if (!PathNormalizer.needsNormalizing(bytes, 0, bytes.length)) {
      assertThat(once).as(description).isEqualTo(target);
    }
    byte[] again = once.getBytes(ISO_8859_1);
    length = normalizer.normalize(again, 0, again.length);
    assertThat(new String(normalizer.bytes(), 0, length, ISO_8859_1))
        .as(description)
        .isEqualTo(once);
    if (once.startsWith("/")) {
      assertThat(once).as(description).doesNotContain("//", "/./", "/../", ";", "\\", "?", "#");
    }
  }

  private String normalize(String target) {
    byte[] bytes = target.getBytes(ISO_8859_1);
    int length = normalizer.normalize(bytes, 0, bytes.length);
    return new String(normalizer.bytes(), 0, length, ISO_8859_1);
  }

  @ParameterizedTest
  @CsvSource({
    "/x?a=b, /x",
    "/x?a=50%, /x",
    "/x, /x",
    "//x?a=b, /x?a=b",
    "/x?a=%2e%2E%2f, /x?a=../",
    "/x?a=%252e, /x?a=.",
    "/x?a=%3f%23, /x?a=?#",
    "/x?a=%00%0a, /x",
    "/a/../x;p?q=%41#f, /x?q=A#f",
    "http://h/x?u=http://h//y, /x?u=http://h//y",
    "/x#f?a=%41, /x"
  })
  void withQuery_target_isThePathWithTheDecodedQueryWhereThatDiffers(
      String target, String expected) {
    byte[] bytes = target.getBytes(ISO_8859_1);
    int path = normalizer.normalize(bytes, 0, bytes.length);
    String before = new String(normalizer.bytes(), 0, path, ISO_8859_1);

    int length = normalizer.withQuery(bytes, 0, bytes.length);

    assertThat(new String(normalizer.bytes(), 0, length, ISO_8859_1)).isEqualTo(expected);
    assertThat(new String(normalizer.bytes(), 0, normalizer.length(), ISO_8859_1))
        .isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource({
    "/a/%2e./b;c?d=%2e, /a/../b;c?d=., true",
    "/a//b, /a//b, false",
    "/a/./b, /a/./b, false",
    "/a%3bx/y, /a;x/y, true",
    "http://h/a/../b, /a/../b, true"
  })
  void decodeOnly_target_keepsItsSegments(String target, String expected, boolean lossy) {
    byte[] bytes = target.getBytes(ISO_8859_1);
    int ignored = normalizer.normalize(bytes, 0, bytes.length);
    assertThat(normalizer.isLossy()).isEqualTo(lossy);

    int length = normalizer.decodeOnly(bytes, 0, bytes.length);

    assertThat(new String(normalizer.bytes(), 0, length, ISO_8859_1)).isEqualTo(expected);
  }
}
