package io.ipsentry.authz.http;

import io.ipsentry.authz.verdict.Denial;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Writes answers as HTTP/1.1. Stateless. */
final class AnswerEncoder {
  /** What frames the message is written here and nowhere else. */
  private static final Set<String> FRAMING =
      Set.of("content-length", "transfer-encoding", "connection", "trailer", "upgrade");

  private AnswerEncoder() {}

  /**
   * Writes a ready answer.
   *
   * @param bodiless the request was HEAD: the head says how long the body would be
   */
  static void write(PlainAnswer answer, Persistence persistence, boolean bodiless, ByteBuf out) {
    out.writeBytes(answer.head(persistence));
    if (!bodiless) {
      out.writeBytes(answer.body());
    }
  }

  /** Writes a refusal. A control character in a header becomes a space, so that none is split. */
  static void write(Denial denial, Persistence persistence, boolean bodiless, ByteBuf out) {
    statusLine(HttpResponseStatus.valueOf(denial.status()), out);
    for (Denial.Header header : denial.headers()) {
      if (!FRAMING.contains(header.name().toLowerCase(Locale.ROOT))) {
        text(header.name(), out);
        ascii(": ", out);
        text(header.value(), out);
        ascii("\r\n", out);
      }
    }
    end(ByteBufUtil.utf8Bytes(denial.body()), persistence, out);
    if (!bodiless) {
      ByteBufUtil.writeUtf8(out, denial.body());
    }
  }

  /** Writes why this server is not ready, one reason a line. */
  static void notReady(
      List<String> reasons, Persistence persistence, boolean bodiless, ByteBuf out) {
    String body = String.join("\n", reasons) + "\n";
    statusLine(HttpResponseStatus.SERVICE_UNAVAILABLE, out);
    ascii("content-type: text/plain; charset=utf-8\r\n", out);
    end(ByteBufUtil.utf8Bytes(body), persistence, out);
    if (!bodiless) {
      ByteBufUtil.writeUtf8(out, body);
    }
  }

  private static void statusLine(HttpResponseStatus status, ByteBuf out) {
    ascii("HTTP/1.1 ", out);
    ascii(status.codeAsText(), out);
    ascii(" ", out);
    ascii(status.reasonPhrase(), out);
    ascii("\r\n", out);
  }

  private static void end(int bodyBytes, Persistence persistence, ByteBuf out) {
    ascii("content-length: ", out);
    ascii(Integer.toString(bodyBytes), out);
    ascii("\r\n", out);
    ascii(persistence.header(), out);
    ascii("\r\n", out);
  }

  private static void ascii(CharSequence text, ByteBuf out) {
    int ignored = out.writeCharSequence(text, StandardCharsets.US_ASCII);
  }

  private static void text(String text, ByteBuf out) {
    StringBuilder clean = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      clean.append(c < ' ' || c == 0x7f ? ' ' : c);
    }
    ByteBufUtil.writeUtf8(out, clean);
  }
}
