package io.ipsentry.authz.envoy;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.rpc.Code;
import com.google.rpc.Status;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.HeaderValue;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption.HeaderAppendAction;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext;
import io.envoyproxy.envoy.service.auth.v3.AttributeContext.HttpRequest;
import io.envoyproxy.envoy.service.auth.v3.CheckRequest;
import io.envoyproxy.envoy.service.auth.v3.CheckResponse;
import io.envoyproxy.envoy.service.auth.v3.DeniedHttpResponse;
import io.envoyproxy.envoy.type.v3.HttpStatus;
import io.ipsentry.authz.verdict.Denial;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is written by the numbers of fields is what the generated messages write. */
final class CheckResponsesTest {
  @Test
  void allowed_isTheGeneratedMessage() throws Exception {
    assertThat(CheckResponse.parseFrom(CheckResponses.ALLOWED.bytes()))
        .isEqualTo(CheckResponse.newBuilder().setStatus(Status.getDefaultInstance()).build());
  }

  @Test
  void denied_isTheGeneratedMessage() throws Exception {
    Instant until = Instant.parse("2026-11-27T15:00:00Z");
    String body = "ä".repeat(10_000);
    List<Denial.Header> headers =
        List.of(
            new Denial.Header("x-ip-sentry", "banned"),
            new Denial.Header("content-type", "text/plain; charset=utf-8"));
    Denial denial =
        new Denial(403, headers, body, "17", "probing", until, "192.0.2.1", "^/wp-admin");
    CheckResponse.Builder expected = expected(denial);
    expected.getDynamicMetadataBuilder().putFields("until", text("2026-11-27T15:00:00Z"));
    assertThat(CheckResponse.parseFrom(CheckResponses.denied(denial).bytes()))
        .isEqualTo(expected.build());
  }

  @Test
  void denied_unknownStatusNoBodyNoEnd_isTheGeneratedMessage() throws Exception {
    Denial denial = denial(599, "", null);
    assertThat(CheckResponse.parseFrom(CheckResponses.denied(denial).bytes()))
        .isEqualTo(expected(denial).build());
  }

  @Test
  void warmUp_request_isTheGeneratedMessage() throws Exception {
    HttpRequest.Builder http =
        HttpRequest.newBuilder().setMethod("GET").setPath("/").setHost("warm-up.invalid");
    http.putHeaders("x-forwarded-for", "192.0.2.1").putHeaders("user-agent", "ip-sentry");
    SocketAddress.Builder client =
        SocketAddress.newBuilder().setAddress("192.0.2.1").setPortValue(1);
    AttributeContext.Builder attributes =
        AttributeContext.newBuilder()
            .setSource(
                AttributeContext.Peer.newBuilder()
                    .setAddress(Address.newBuilder().setSocketAddress(client)))
            .setRequest(AttributeContext.Request.newBuilder().setHttp(http));
    assertThat(CheckRequest.parseFrom(WarmUp.request().bytes()))
        .isEqualTo(CheckRequest.newBuilder().setAttributes(attributes).build());
  }

  private static Denial denial(int status, String body, @Nullable Instant until) {
    return new Denial(status, List.of(), body, Denial.PENDING, "", until, "2001:db8::1", "");
  }

  private static CheckResponse.Builder expected(Denial denial) {
    DeniedHttpResponse.Builder response =
        DeniedHttpResponse.newBuilder()
            .setStatus(HttpStatus.newBuilder().setCodeValue(denial.status()))
            .setBody(denial.body());
    for (Denial.Header header : denial.headers()) {
      response.addHeaders(
          HeaderValueOption.newBuilder()
              .setHeader(HeaderValue.newBuilder().setKey(header.name()).setValue(header.value()))
              .setAppendAction(HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD));
    }
    return CheckResponse.newBuilder()
        .setStatus(Status.newBuilder().setCode(Code.PERMISSION_DENIED_VALUE))
        .setDeniedResponse(response)
        .setDynamicMetadata(
            Struct.newBuilder()
                .putFields("ban_id", text(denial.banId()))
                .putFields("rule", text(denial.rule())));
  }

  private static Value text(String text) {
    return Value.newBuilder().setStringValue(text).build();
  }
}
