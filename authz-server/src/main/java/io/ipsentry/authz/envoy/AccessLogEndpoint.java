package io.ipsentry.authz.envoy;

import io.envoyproxy.envoy.service.accesslog.v3.AccessLogServiceGrpc;
import io.envoyproxy.envoy.service.accesslog.v3.AlsProto;
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
import io.ipsentry.authz.transport.RareLog;
import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.line.Slice;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code envoy.service.accesslog.v3.AccessLogService}: takes streams of access-log entries and
 * judges them on one thread of its own, so that checks do not wait behind them.
 *
 * <p>A stream's name stands in its first message only. Each stream has one message on its way at a
 * time, and all together have so many bytes: when the thread falls behind, HTTP/2's windows fill
 * and Envoy drops entries and counts them; beyond the bytes a stream is ended. A stream that has
 * lasted its age is ended after a message, so that Envoys spread over replicas without losing what
 * is under way.
 *
 * <p>Safe for any thread.
 */
final class AccessLogEndpoint
    implements ServerCallHandler<byte[], SerializedMessage>, AutoCloseable {
  /** Most streams: an Envoy has one for each of its workers and logs. */
  static final int MAX_STREAMS = 1_024;

  /**
   * Most bytes of messages that wait for the thread, of all streams together. Envoy sends 16 KiB at
   * a time unless its {@code buffer_size_bytes} says otherwise.
   */
  static final long MAX_WAITING_BYTES = 32 * 1024 * 1024;

  private static final Metadata.Key<String> TOKEN =
      Metadata.Key.of("x-ip-sentry-token", Metadata.ASCII_STRING_MARSHALLER);
  private static final Status TOO_MANY =
      Status.UNAVAILABLE.withDescription("too many streams of access logs");
  private static final Status TOO_OLD =
      Status.UNAVAILABLE.withDescription("the stream has lasted long enough, open another");
  private static final Status TOO_MUCH =
      Status.UNAVAILABLE.withDescription("more access-log entries than can be judged");
  private static final Status ENDING = Status.UNAVAILABLE.withDescription("the server ends");
  private static final Status MALFORMED =
      Status.INVALID_ARGUMENT.withDescription("the message is no valid StreamAccessLogsMessage");

  /** {@code StreamAccessLogsResponse} has no fields. */
  private static final SerializedMessage NOTHING = new SerializedMessage(new byte[0]);

  private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

  private static final Logger logger = LoggerFactory.getLogger(AccessLogEndpoint.class);

  private final AccessLogJudge judge;
  private final EnvoyCounters counters;
  private final long maxAgeNanos;
  private final ExecutorService thread;
  private final Set<Stream> streams = ConcurrentHashMap.newKeySet();
  private final RareLog errorLog = new RareLog(System::nanoTime);
  private final AtomicLong waitingBytes = new AtomicLong();

  /**
   * @param judge used by this endpoint's thread alone from now on
   * @param maxAge how long a stream may last
   */
  AccessLogEndpoint(AccessLogJudge judge, EnvoyCounters counters, Duration maxAge) {
    this.judge = judge;
    this.counters = counters;
    this.maxAgeNanos = maxAge.toNanos();
    this.thread =
        Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("access-log-service").daemon(true).factory());
  }

  /** The service, as reflection shows it. */
  ServerServiceDefinition service() {
    MethodDescriptor<byte[], SerializedMessage> method =
        MethodDescriptor.newBuilder(new CopyingMarshaller(), SerializedMessage.MARSHALLER)
            .setType(MethodDescriptor.MethodType.CLIENT_STREAMING)
            .setFullMethodName(
                MethodDescriptor.generateFullMethodName(
                    AccessLogServiceGrpc.SERVICE_NAME, "StreamAccessLogs"))
            .build();
    ServiceDescriptor descriptor =
        ServiceDescriptor.newBuilder(AccessLogServiceGrpc.SERVICE_NAME)
            .setSchemaDescriptor((ProtoFileDescriptorSupplier) AlsProto::getDescriptor)
            .addMethod(method)
            .build();
    return ServerServiceDefinition.builder(descriptor).addMethod(method, this).build();
  }

  @Override
  public ServerCall.Listener<byte[]> startCall(
      ServerCall<byte[], SerializedMessage> call, Metadata headers) {
    if (streams.size() >= MAX_STREAMS) {
      counters.logStreamsRefused.increment();
      call.close(TOO_MANY, new Metadata());
      return new ServerCall.Listener<>() {};
    }
    Stream stream = new Stream(call, isTrusted(call, headers));
    streams.add(stream);
    counters.logStreams.increment();
    call.request(1);
    return stream;
  }

  private static boolean isTrusted(ServerCall<?, ?> call, Metadata headers) {
    CallerConnection connection = call.getAttributes().get(CheckEndpoint.CONNECTION);
    if (connection == null) {
      return false;
    }
    Slice token = new Slice();
    String sent = headers.get(TOKEN);
    if (sent != null) {
      byte[] bytes = sent.getBytes(StandardCharsets.ISO_8859_1);
      token.set(bytes, 0, bytes.length);
    }
    return connection.caller(token) == Caller.TRUSTED;
  }

  /** Ends all streams, so that Envoys open others elsewhere; messages that have come are judged. */
  void endStreams() {
    streams.forEach(stream -> thread.execute(() -> stream.end(ENDING)));
  }

  /** Ends the thread after what it has to do; the server has been shut down before. */
  @Override
  public void close() {
    thread.shutdown();
    try {
      if (!thread.awaitTermination(CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)) {
        thread.shutdownNow();
      }
    } catch (InterruptedException e) {
      thread.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }

  /** One stream. What it does, it does on the endpoint's thread. */
  private final class Stream extends ServerCall.Listener<byte[]> {
    private final ServerCall<byte[], SerializedMessage> call;
    private final boolean trusted;
    private final long startNanos = System.nanoTime();
    private final AtomicBoolean gone = new AtomicBoolean();
    private @Nullable String logName;
    private boolean ended;

    Stream(ServerCall<byte[], SerializedMessage> call, boolean trusted) {
      this.call = call;
      this.trusted = trusted;
    }

    @Override
    public void onMessage(byte[] message) {
      if (waitingBytes.addAndGet(message.length) > MAX_WAITING_BYTES) {
        waitingBytes.addAndGet(-message.length);
        counters.logMessagesLost.increment();
        thread.execute(() -> end(TOO_MUCH));
        return;
      }
      thread.execute(() -> {
        waitingBytes.addAndGet(-message.length);
        take(message);
      });
    }

    @Override
    public void onHalfClose() {
      thread.execute(() -> {
        if (!ended) {
          ended = true;
          call.sendHeaders(new Metadata());
          call.sendMessage(NOTHING);
          call.close(Status.OK, new Metadata());
        }
      });
    }

    private void take(byte[] message) {
      if (ended) {
        return;
      }
      try {
        if (logName == null) {
          logName = judge.logName(message);
        }
        if (logName == null || !judge.judge(message, logName, trusted)) {
          counters.logMalformed.increment();
          end(MALFORMED);
          return;
        }
      } catch (RuntimeException e) {
        counters.logErrors.increment();
        errorLog.write(times ->
            logger
                .atError()
                .addKeyValue("times", times)
                .setCause(e)
                .log("access-log entries could not be judged"));
      }
      if (System.nanoTime() - startNanos > maxAgeNanos) {
        end(TOO_OLD);
      } else {
        call.request(1);
      }
    }

    private void end(Status status) {
      if (!ended) {
        ended = true;
        call.close(status, new Metadata());
      }
    }

    @Override
    public void onCancel() {
      leave();
    }

    @Override
    public void onComplete() {
      leave();
    }

    private void leave() {
      if (gone.compareAndSet(false, true)) {
        streams.remove(this);
      }
    }
  }

  /** Messages as bytes of their own, for they go to another thread. */
  private static final class CopyingMarshaller implements Marshaller<byte[]> {
    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException("a message of a stream could not be read", e);
      }
    }

    @Override
    public InputStream stream(byte[] value) {
      throw new UnsupportedOperationException("only a client writes entries");
    }
  }
}
