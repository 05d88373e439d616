package io.ipsentry.authz.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpVersion;

/**
 * Whether a connection goes on after an answer, and how the answer says so (RFC 9112 section 9.3).
 */
enum Persistence {
  /** HTTP/1.1: it does, unless somebody says otherwise. */
  KEEP(""),
  /** HTTP/1.0: it does only when both say so. */
  KEEP_EXPLICITLY("connection: keep-alive\r\n"),
  CLOSE("connection: close\r\n");

  private final String header;

  Persistence(String header) {
    this.header = header;
  }

  /** Header lines that an answer needs; may be empty. */
  String header() {
    return header;
  }

  /** What the client of a request wishes. */
  static Persistence of(HttpMessage request) {
    boolean old = request.protocolVersion().compareTo(HttpVersion.HTTP_1_1) < 0;
    if (says(request, HttpHeaderValues.CLOSE)) {
      return CLOSE;
    }
    if (!old) {
      return KEEP;
    }
    return says(request, HttpHeaderValues.KEEP_ALIVE) ? KEEP_EXPLICITLY : CLOSE;
  }

  private static boolean says(HttpMessage request, CharSequence value) {
    return request.headers().containsValue(HttpHeaderNames.CONNECTION, value, true);
  }
}
