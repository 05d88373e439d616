package io.ipsentry.watcher.sink.webhook;

import io.ipsentry.config.Secret;
import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Signs messages, so that a receiver knows who sent them and when. Stateless. */
final class MessageSignature {
  private static final String ALGORITHM = "HmacSHA256";

  private MessageSignature() {}

  /** {@code sha256=} and the HMAC of {@code TIMESTAMP.BODY} in hexadecimal digits. */
  static String of(Secret key, String timestamp, byte[] body) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(key.value().getBytes(StandardCharsets.UTF_8), ALGORITHM));
      mac.update((timestamp + ".").getBytes(StandardCharsets.UTF_8));
      return "sha256=" + HexFormat.of().formatHex(mac.doFinal(body));
    } catch (NoSuchAlgorithmException | InvalidKeyException e) {
      throw new IllegalStateException("every Java has " + ALGORITHM, e);
    }
  }
}
