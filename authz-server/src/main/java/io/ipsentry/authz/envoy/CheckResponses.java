package io.ipsentry.authz.envoy;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.rpc.Code;
import com.google.rpc.Status;
import io.envoyproxy.envoy.config.core.v3.HeaderValue;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption.HeaderAppendAction;
import io.envoyproxy.envoy.service.auth.v3.CheckResponse;
import io.envoyproxy.envoy.service.auth.v3.DeniedHttpResponse;
import io.envoyproxy.envoy.type.v3.HttpStatus;
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
  /** Allowed, and nothing of the request is changed. */
  static final SerializedResponse ALLOWED =
      new SerializedResponse(
          CheckResponse.newBuilder()
              .setStatus(Status.newBuilder().setCode(Code.OK_VALUE))
              .build()
              .toByteArray());

  private CheckResponses() {}

  /** A refusal. */
  static SerializedResponse denied(Denial denial) {
    DeniedHttpResponse.Builder response =
        DeniedHttpResponse.newBuilder()
            // By its number: not every status has a name there.
            .setStatus(HttpStatus.newBuilder().setCodeValue(denial.status()))
            .setBody(denial.body());
    for (Denial.Header header : denial.headers()) {
      response.addHeaders(
          HeaderValueOption.newBuilder()
              .setHeader(HeaderValue.newBuilder().setKey(header.name()).setValue(header.value()))
              .setAppendAction(HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD));
    }
    Struct.Builder metadata =
        Struct.newBuilder()
            .putFields("ban_id", text(denial.banId()))
            .putFields("rule", text(denial.rule()));
    Instant until = denial.until();
    if (until != null) {
      metadata.putFields("until", text(until.toString()));
    }
    return new SerializedResponse(
        CheckResponse.newBuilder()
            .setStatus(Status.newBuilder().setCode(Code.PERMISSION_DENIED_VALUE))
            .setDeniedResponse(response)
            .setDynamicMetadata(metadata)
            .build()
            .toByteArray());
  }

  private static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }
}
