package io.ipsentry.authz.envoy;

import io.envoyproxy.envoy.service.auth.v3.AuthorizationGrpc;
import io.envoyproxy.envoy.service.auth.v3.ExternalAuthProto;
import io.grpc.Attributes;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.ProtoFileDescriptorSupplier;
import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.envoy.CheckRequestMarshaller.Received;
import io.ipsentry.authz.transport.CallsInFlight;
import io.ipsentry.authz.transport.RareLog;
import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge;
import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.line.Slice;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code envoy.service.auth.v3.Authorization}: each check is judged in the thread that read it, at
 * once and from memory, and answered when the caller has finished its side.
 *
 * <p>Checks that have begun and are not answered are bounded; further ones are refused at once, so
 * that none waits in a queue. What cannot be judged ends with an error of gRPC and never with a
 * denial: Envoy's failure mode then decides.
 *
 * <p>Safe for any thread, as long as the messages of a call are given to its listener by the thread
 * that reads them, which a direct executor does.
 */
final class CheckEndpoint implements ServerCallHandler<Received, SerializedMessage> {
  /** Who is at the other end of the connection of a call. */
  static final Attributes.Key<CallerConnection> CONNECTION =
      Attributes.Key.create("ip-sentry-caller");

  private static final Metadata.Key<String> TOKEN =
      Metadata.Key.of("x-ip-sentry-token", Metadata.ASCII_STRING_MARSHALLER);

  private static final Status OVERLOAD = Status.UNAVAILABLE.withDescription("overload");
  private static final Status ERROR = Status.UNAVAILABLE.withDescription("error");
  private static final Status EXPIRED =
      Status.UNAVAILABLE.withDescription("the deadline had passed before the check began");
  private static final Status MALFORMED =
      Status.INVALID_ARGUMENT.withDescription("the message is no valid CheckRequest");
  private static final Status NO_MESSAGE =
      Status.INVALID_ARGUMENT.withDescription("a check needs a CheckRequest");

  /**
   * One check in so many is timed, and stands for them: two looks at the clock cost half as much as
   * a judgement. A power of two.
   */
  private static final int TIMED = 8;

  private static final Logger logger = LoggerFactory.getLogger(CheckEndpoint.class);

  private final Supplier<RequestJudge> judges;
  private final EnvoyCounters counters;
  private final RareLog errorLog = new RareLog(System::nanoTime);
  private volatile int maxInFlight;

  /**
   * @param judges makes the judge of a thread
   * @param maxInFlight checks that may have begun and not be answered
   */
  CheckEndpoint(Supplier<RequestJudge> judges, EnvoyCounters counters, int maxInFlight) {
    this.judges = judges;
    this.counters = counters;
    this.maxInFlight = maxInFlight;
  }

  /** Checks that may have begun and not be answered, from now on. */
  void maxInFlight(int now) {
    maxInFlight = now;
  }

  /** The service, as reflection shows it. */
  ServerServiceDefinition service() {
    MethodDescriptor<Received, SerializedMessage> method =
        method(new CheckRequestMarshaller(judges, counters));
    ServiceDescriptor descriptor =
        ServiceDescriptor.newBuilder(AuthorizationGrpc.SERVICE_NAME)
            .setSchemaDescriptor((ProtoFileDescriptorSupplier) ExternalAuthProto::getDescriptor)
            .addMethod(method)
            .build();
    return ServerServiceDefinition.builder(descriptor).addMethod(method, this).build();
  }

  /** {@code Check}, with requests in a form of one's own; no generated message is loaded for it. */
  static <R> MethodDescriptor<R, SerializedMessage> method(Marshaller<R> requests) {
    return MethodDescriptor.newBuilder(requests, SerializedMessage.MARSHALLER)
        .setType(MethodDescriptor.MethodType.UNARY)
        .setFullMethodName(
            MethodDescriptor.generateFullMethodName(AuthorizationGrpc.SERVICE_NAME, "Check"))
        .build();
  }

  @Override
  public ServerCall.Listener<Received> startCall(
      ServerCall<Received, SerializedMessage> call, Metadata headers) {
    CallsInFlight.OfThread place = counters.inFlight.enter(maxInFlight);
    if (place == null) {
      counters.overload.increment();
      call.close(OVERLOAD, new Metadata());
      return new ServerCall.Listener<>() {};
    }
    // One, and one more so that gRPC sees a caller that sends two, and cancels its call.
    call.request(2);
    return new Check(call, headers, place);
  }

  /** One call. Its events come one at a time. */
  private final class Check extends ServerCall.Listener<Received> {
    private final ServerCall<Received, SerializedMessage> call;
    private final Metadata headers;
    private final int timed;
    private final long startNanos;
    private @Nullable SerializedMessage response;
    private @Nullable Status failure;
    private CallsInFlight.@Nullable OfThread place;

    Check(
        ServerCall<Received, SerializedMessage> call,
        Metadata headers,
        CallsInFlight.OfThread place) {
      this.call = call;
      this.headers = headers;
      this.place = place;
      timed = timed(place.begun());
      startNanos = timed == 0 ? 0 : System.nanoTime();
    }

    /** How many checks this one is timed for: the first one of a thread for itself. */
    private static int timed(int begun) {
      if ((begun & TIMED - 1) != 1) {
        return 0;
      }
      return begun == 1 ? 1 : TIMED;
    }

    @Override
    public void onMessage(Received received) {
      if (!received.isValid()) {
        counters.malformed.increment();
        failure = MALFORMED;
        return;
      }
      Deadline deadline = Context.current().getDeadline();
      if (deadline != null && deadline.isExpired()) {
        counters.deadline.increment();
        failure = EXPIRED;
        return;
      }
      try {
        judge(received);
      } catch (RuntimeException e) {
        counters.errors.increment();
        counters.unavailable.increment();
        failure = ERROR;
        errorLog.write(times ->
            logger
                .atError()
                .addKeyValue("times", times)
                .setCause(e)
                .log("a check could not be judged"));
      }
    }

    private void judge(Received received) {
      CheckMessage message = received.message();
      GatewayRequest request = message.request();
      RequestJudge judge = received.judge();
      if (message.wanted().hasClientHeaders()) {
        int header = message.wanted().find(judge.clientHeader(request));
        if (header != WantedHeaders.UNWANTED) {
          request.clientHeader().set(message.header(header));
        }
      }
      Judgement judgement = judge.judge(request, caller(message));
      // Nearly all are allowed, and asking for that first is quicker than a switch over types.
      if (judgement instanceof Judgement.Allowed) {
        received.allowed().increment(0);
        response = CheckResponses.ALLOWED;
      } else if (judgement instanceof Judgement.Denied denied) {
        counters.denied.increment();
        response = CheckResponses.denied(denied.denial());
      } else if (judgement instanceof Judgement.Unavailable unavailable) {
        counters.unavailable.increment();
        failure = Status.UNAVAILABLE.withDescription(unavailable.cause());
      }
    }

    private Caller caller(CheckMessage message) {
      CallerConnection connection = call.getAttributes().get(CONNECTION);
      if (connection == null) {
        return Caller.UNKNOWN;
      }
      Slice token = message.token();
      if (connection.readsToken() && !token.isPresent()) {
        String sent = headers.get(TOKEN);
        if (sent != null) {
          byte[] bytes = sent.getBytes(StandardCharsets.ISO_8859_1);
          token.set(bytes, 0, bytes.length);
        }
      }
      return connection.caller(token);
    }

    @Override
    public void onHalfClose() {
      SerializedMessage answer = response;
      if (answer != null) {
        call.sendHeaders(new Metadata());
        call.sendMessage(answer);
        call.close(Status.OK, new Metadata());
      } else {
        Status status = failure == null ? NO_MESSAGE : failure;
        call.close(status, new Metadata());
      }
      if (timed > 0) {
        counters.latency.record(System.nanoTime() - startNanos, timed);
      }
      leave();
    }

    @Override
    public void onCancel() {
      if (place != null) {
        counters.cancelled.increment();
        leave();
      }
    }

    private void leave() {
      CallsInFlight.OfThread taken = place;
      if (taken != null) {
        place = null;
        counters.inFlight.leave(taken);
      }
    }
  }
}
