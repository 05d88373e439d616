package io.ipsentry.authz.http;

import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.charset.StandardCharsets;

/** An answer that is the same every time, ready to be sent. */
enum PlainAnswer {
  ALLOWED(HttpResponseStatus.OK, "allowed", ""),
  /** It would have been refused, but shadow mode is on. */
  SHADOW(HttpResponseStatus.OK, "shadow", ""),
  /** Nobody judged, and failing open was chosen. */
  FAIL_OPEN(HttpResponseStatus.OK, "fail-open", ""),
  UNAVAILABLE(HttpResponseStatus.SERVICE_UNAVAILABLE, "unavailable", "cannot judge now"),
  HEALTHY(HttpResponseStatus.OK, "", "ok"),
  READY(HttpResponseStatus.OK, "", "ready"),
  MALFORMED(HttpResponseStatus.BAD_REQUEST, "malformed", "not an HTTP/1.1 request"),
  NOT_FOUND(
      HttpResponseStatus.NOT_FOUND,
      "not-found",
      "there are /forward-auth, /ext-authz/, both below /policies/NAME, /healthz and /readyz"),
  LINE_TOO_LONG(HttpResponseStatus.REQUEST_URI_TOO_LONG, "too-large", "request line too long"),
  HEADERS_TOO_LARGE(
      HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too-large", "headers too large"),
  OTHER_VERSION(
      HttpResponseStatus.HTTP_VERSION_NOT_SUPPORTED,
      "malformed",
      "HTTP/1.0 and HTTP/1.1 are spoken here; HTTP/2 is for the gRPC port, authz.listen");

  private final HttpResponseStatus status;
  private final byte[] keep;
  private final byte[] keepExplicitly;
  private final byte[] close;
  private final byte[] body;

  PlainAnswer(HttpResponseStatus status, String verdict, String body) {
    this.status = status;
    this.body = (body.isEmpty() ? "" : body + "\n").getBytes(StandardCharsets.US_ASCII);
    keep = head(verdict, Persistence.KEEP);
    keepExplicitly = head(verdict, Persistence.KEEP_EXPLICITLY);
    close = head(verdict, Persistence.CLOSE);
  }

  private byte[] head(String verdict, Persistence persistence) {
    return ("HTTP/1.1 "
            + status.codeAsText()
            + " "
            + status.reasonPhrase()
            + "\r\n"
            + (verdict.isEmpty() ? "" : "x-ip-sentry: " + verdict + "\r\n")
            + (body.length == 0 ? "" : "content-type: text/plain\r\n")
            + "content-length: "
            + body.length
            + "\r\n"
            + persistence.header()
            + "\r\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  /** The status line and the headers, not to be changed. */
  byte[] head(Persistence persistence) {
    return switch (persistence) {
      case KEEP -> keep;
      case KEEP_EXPLICITLY -> keepExplicitly;
      case CLOSE -> close;
    };
  }

  /** Not to be changed; may be empty. */
  byte[] body() {
    return body;
  }
}
