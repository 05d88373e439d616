package io.ipsentry.kubernetes.auth;

import io.fabric8.kubernetes.client.KubernetesClientException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Supplier;

/** What putting questions to the API server has in common. Stateless. */
final class Reviews {
  private static final int FORBIDDEN = 403;

  private Reviews() {}

  /**
   * Puts a question.
   *
   * @param what such as {@code review a token}
   * @param mend what lets us put it
   * @throws ApiServerException if there is no answer
   */
  static <T> T asking(String what, String mend, Supplier<T> question) {
    try {
      return question.get();
    } catch (KubernetesClientException e) {
      if (e.getCode() == FORBIDDEN) {
        throw new ApiServerException(
            Reason.FORBIDDEN, "ip-sentry may not " + what + "; " + mend, e);
      }
      // Whoever asks is told that there is no answer; what exactly failed is in the cause.
      throw new ApiServerException(
          Reason.UNAVAILABLE,
          "the API server does not answer ("
              + what
              + (e.getCode() == 0 ? "" : ": " + e.getCode())
              + ")",
          e);
    }
  }

  /** A text of fixed length for any texts; different texts never have the same one. */
  static String digest(List<String> texts) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (String text : texts) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        // With its length, so that no two lists of texts are the same bytes.
        digest.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
        digest.update(bytes);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
