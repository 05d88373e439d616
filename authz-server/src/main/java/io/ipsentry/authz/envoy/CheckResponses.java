package io.ipsentry.authz.envoy;

import com.google.rpc.Code;
import io.ipsentry.authz.transport.WireWriter;
import io.ipsentry.authz.verdict.Denial;
import java.time.Instant;

/**
 * Judgements as {@code CheckResponse}s.
 *
 * <p>Envoy decides by {@code status.code}, not by which response is set, so both are always set.
 * The metadata of a denial lands in Envoy's namespace {@code envoy.filters.http.ext_authz}, where
 * its access log can name it.
 */
final class CheckResponses {
  // envoy.service.auth.v3.CheckResponse and google.rpc.Status.
  private static final int STATUS = 1;
  private static final int DENIED_RESPONSE = 2;
  private static final int DYNAMIC_METADATA = 4;
  private static final int CODE = 1;

  // DeniedHttpResponse; type.v3.HttpStatus.
  private static final int HTTP_STATUS = 1;
  private static final int HEADERS = 2;
  private static final int BODY = 3;
  private static final int HTTP_CODE = 1;

  // config.core.v3.HeaderValueOption and HeaderValue.
  private static final int HEADER = 1;
  private static final int APPEND_ACTION = 3;
  private static final int NAME = 1;
  private static final int VALUE = 2;
  private static final int OVERWRITE_IF_EXISTS_OR_ADD = 2;

  // google.protobuf.Struct and Value.
  private static final int FIELDS = 1;
  private static final int STRING_VALUE = 3;

  /** Allowed, and nothing of the request is changed. */
  static final SerializedMessage ALLOWED =
      new SerializedMessage(new WireWriter().message(STATUS, status(Code.OK_VALUE)).toByteArray());

  private CheckResponses() {}

  /** A refusal. */
  static SerializedMessage denied(Denial denial) {
    WireWriter response =
        new WireWriter().message(HTTP_STATUS, new WireWriter().number(HTTP_CODE, denial.status()));
    for (Denial.Header header : denial.headers()) {
      response.message(
          HEADERS,
          new WireWriter()
              .message(
                  HEADER, new WireWriter().text(NAME, header.name()).text(VALUE, header.value()))
              .number(APPEND_ACTION, OVERWRITE_IF_EXISTS_OR_ADD));
    }
    response.text(BODY, denial.body());
    WireWriter metadata =
        new WireWriter()
            .entry(FIELDS, "ban_id", text(denial.banId()))
            .entry(FIELDS, "rule", text(denial.rule()));
    Instant until = denial.until();
    if (until != null) {
      metadata.entry(FIELDS, "until", text(until.toString()));
    }
    return new SerializedMessage(
        new WireWriter()
            .message(STATUS, status(Code.PERMISSION_DENIED_VALUE))
            .message(DENIED_RESPONSE, response)
            .message(DYNAMIC_METADATA, metadata)
            .toByteArray());
  }

  /** Zero is what a status without a code has. */
  private static WireWriter status(int code) {
    WireWriter status = new WireWriter();
    return code == 0 ? status : status.number(CODE, code);
  }

  private static WireWriter text(String text) {
    return new WireWriter().text(STRING_VALUE, text);
  }
}
