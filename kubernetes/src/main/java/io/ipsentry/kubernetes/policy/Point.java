package io.ipsentry.kubernetes.policy;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;

/**
 * Where a policy can be attached.
 *
 * @param section listener of a Gateway, or rule of a route; empty: the whole
 */
public record Point(Kind kind, String namespace, String name, String section)
    implements Comparable<Point> {
  private static final int MAX_NAME = 64;
  private static final int DIGEST_CHARS = 10;
  private static final Comparator<Point> ORDER =
      Comparator.comparing((Point point) -> point.kind().apiKind())
          .thenComparing(Point::namespace)
          .thenComparing(Point::name)
          .thenComparing(Point::section);

  /** What there is to attach to. */
  public enum Kind {
    GATEWAY("Gateway", "gateway"),
    HTTP_ROUTE("HTTPRoute", "route");

    private final String apiKind;
    private final String word;

    Kind(String apiKind, String word) {
      this.apiKind = apiKind;
      this.word = word;
    }

    /** Its name in the API. */
    public String apiKind() {
      return apiKind;
    }
  }

  /** The whole of what this is a section of. */
  Point whole() {
    return new Point(kind, namespace, name, "");
  }

  /**
   * By what name gateways ask for the policy that holds here, such as {@code gateway_infra_public}
   * or {@code route_shop_web_pay}: names of the API have no underscore. One that is too long for us
   * ends in a digest.
   */
  public String policyName() {
    String plain =
        kind.word + '_' + namespace + '_' + name + (section.isEmpty() ? "" : '_' + section);
    return plain.length() <= MAX_NAME
        ? plain
        : plain.substring(0, MAX_NAME - DIGEST_CHARS - 1) + '_' + digest(plain);
  }

  /** The first characters of a SHA-256, in hex. */
  static String digest(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash).substring(0, DIGEST_CHARS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  @Override
  public int compareTo(Point other) {
    return ORDER.compare(this, other);
  }

  /** For people: {@code HTTPRoute shop/web, section pay}. */
  @Override
  public String toString() {
    return kind.apiKind()
        + ' '
        + namespace
        + '/'
        + name
        + (section.isEmpty() ? "" : ", section " + section);
  }
}
