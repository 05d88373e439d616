package io.ipsentry.authz.http;

import io.ipsentry.authz.caller.CallerConnection;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.security.cert.Certificate;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of a gateway: reads calls one after the other, judges each as soon as its headers
 * are there, and answers in order.
 *
 * <p>A body is read and thrown away, so that the connection can go on. The answers to calls that
 * came in one packet leave in one packet. Confined to the thread of the connection.
 *
 * <p>The last answer of a connection is followed by the end of our direction, and what the client
 * still sends is read for a while: a socket that is closed with unread bytes is reset, and the
 * client might lose the answer.
 */
@SuppressWarnings(
    "FutureReturnValueIgnored") // what fails comes to exceptionCaught, or has closed it
final class ForwardAuthConnection extends ChannelInboundHandlerAdapter {
  private static final Logger logger = LoggerFactory.getLogger(ForwardAuthConnection.class);

  /** Room for a few answers without a body. */
  private static final int BATCH_BYTES = 512;

  /** Answers that pile up to this are sent before further calls are judged. */
  private static final int MAX_BATCH_BYTES = 32 * 1024;

  /** A client that lets more than this wait for it does not read at all. */
  private static final long MAX_UNREAD_BYTES = 1024 * 1024;

  private enum Phase {
    /** Between calls. */
    IDLE,
    /** The headers of a call are coming. */
    HEAD,
    /** Its body is coming; it has been answered. */
    BODY,
    /** The last answer is written; nothing that comes is read any more. */
    LINGER
  }

  private final ServerState server;
  private final LongSupplier nanoTime;
  private Peer peer = Peer.of(null);
  private CallerConnection caller = CallerConnection.UNKNOWN;
  private Phase phase = Phase.IDLE;
  private long deadline;
  private boolean stalled;
  private long stallDeadline;
  private boolean holdsSlot;
  private boolean endOfCallSeen;
  private boolean broken;
  private boolean lastAnswerSent;
  private long bodyBytes;
  private @Nullable ByteBuf answers;
  private @Nullable Future<?> ticking;

  /**
   * @param nanoTime elapsed time, as {@link System#nanoTime}
   */
  ForwardAuthConnection(ServerState server, LongSupplier nanoTime) {
    this.server = server;
    this.nanoTime = nanoTime;
  }

  /** To be put before the decoder: a slow client is timed from the first byte of a call. */
  ChannelInboundHandlerAdapter arrivals() {
    return new ChannelInboundHandlerAdapter() {
      @Override
      public void channelRead(ChannelHandlerContext context, Object message) {
        if (phase == Phase.IDLE) {
          enter(Phase.HEAD, server.limits().headTimeout().toNanos());
        }
        context.fireChannelRead(message);
      }
    };
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    peer = Peer.of(context.channel().remoteAddress());
    if (context.pipeline().get(SslHandler.class) == null) {
      caller = server.parts().callers().connected(context.channel().remoteAddress(), List.of());
    }
    enter(Phase.IDLE, server.limits().idleTimeout().toNanos());
    long tick = server.limits().tick().toNanos();
    ticking =
        context
            .executor()
            .scheduleWithFixedDelay(() -> tick(context), tick, tick, TimeUnit.NANOSECONDS);
    context.fireChannelActive();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    releaseSlot();
    if (ticking != null) {
      ticking.cancel(false);
    }
    if (answers != null) {
      answers.release();
      answers = null;
    }
    context.fireChannelInactive();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof SslHandshakeCompletionEvent handshake && handshake.isSuccess()) {
      caller =
          server
              .parts()
              .callers()
              .connected(context.channel().remoteAddress(), certificates(context));
    }
    context.fireUserEventTriggered(event);
  }

  private static List<Certificate> certificates(ChannelHandlerContext context) {
    try {
      SslHandler tls = context.pipeline().get(SslHandler.class);
      return List.of(tls.engine().getSession().getPeerCertificates());
    } catch (SSLPeerUnverifiedException e) {
      // It has shown none, which it may.
      return List.of();
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    try {
      if (message instanceof HttpRequest call && phase != Phase.LINGER) {
        begin(context, call);
      }
      if (message instanceof HttpContent content && !broken) {
        body(context, content);
      }
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    send(context);
    context.fireChannelReadComplete();
  }

  private void begin(ChannelHandlerContext context, HttpRequest call) {
    enter(Phase.BODY, server.limits().requestTimeout().toNanos());
    endOfCallSeen = false;
    bodyBytes = 0;
    if (call.decoderResult().isFailure()) {
      broken = true;
      answer(context, malformed(call.decoderResult()), Persistence.CLOSE, false);
      return;
    }
    Persistence persistence = persistence(call);
    if (call.protocolVersion().majorVersion() != 1) {
      broken = true;
      server.counters().malformed.increment();
      answer(context, PlainAnswer.OTHER_VERSION, Persistence.CLOSE, false);
      return;
    }
    boolean bodiless = call.method().equals(HttpMethod.HEAD);
    ServerState.Worker worker = server.worker();
    Route route = worker.mapping().route(call.uri());
    switch (route) {
      case FORWARD_AUTH, EXT_AUTHZ -> judge(context, call, route, persistence, bodiless);
      case HEALTH -> answer(context, PlainAnswer.HEALTHY, persistence, bodiless);
      case READINESS -> answerReadiness(context, persistence, bodiless);
      case NONE -> {
        server.notFound(path(call.uri()));
        answer(context, PlainAnswer.NOT_FOUND, persistence, bodiless);
      }
    }
  }

  /** Whether the connection can go on after the answer to this call. */
  private Persistence persistence(HttpRequest call) {
    // Whoever waits for "100 Continue" may send the body after another answer or not: it cannot be
    // told where the next call begins (RFC 9110 section 10.1.1).
    boolean last =
        call.headers().contains(HttpHeaderNames.EXPECT)
            || HttpUtil.getContentLength(call, 0L) > server.limits().maxBodyBytes();
    return last ? Persistence.CLOSE : Persistence.of(call);
  }

  private PlainAnswer malformed(DecoderResult result) {
    Throwable cause = result.cause();
    if (cause instanceof TooLongHttpLineException) {
      server.counters().tooLarge.increment();
      return PlainAnswer.LINE_TOO_LONG;
    }
    if (cause instanceof TooLongHttpHeaderException) {
      server.counters().tooLarge.increment();
      return PlainAnswer.HEADERS_TOO_LARGE;
    }
    server.counters().malformed.increment();
    return PlainAnswer.MALFORMED;
  }

  private void judge(
      ChannelHandlerContext context,
      HttpRequest call,
      Route route,
      Persistence persistence,
      boolean bodiless) {
    long began = nanoTime.getAsLong();
    holdsSlot = true;
    if (server.counters().inFlight.incrementAndGet()
        > server.parts().options().get().maxConcurrentChecks()) {
      server.counters().overload.increment();
      answer(context, server.unjudged("overload"), persistence, bodiless);
      return;
    }
    ServerState.Worker worker = server.worker();
    Judgement judgement;
    try {
      worker.mapping().read(call, route, peer, worker.judge(), worker.request());
      int hosts = worker.mapping().hosts();
      if (hosts > 1 || (hosts == 0 && call.protocolVersion().equals(HttpVersion.HTTP_1_1))) {
        // RFC 9112 section 3.2.
        server.counters().malformed.increment();
        answer(context, PlainAnswer.MALFORMED, Persistence.CLOSE, bodiless);
        return;
      }
      Caller who = caller.caller(worker.mapping().token());
      judgement = worker.judge().judge(worker.request(), who);
    } catch (RuntimeException e) {
      server.fault(e);
      answer(context, server.unjudged("error"), persistence, bodiless);
      return;
    }
    switch (judgement) {
      case Judgement.Allowed allowed -> {
        server.counters().allowed.increment(0);
        PlainAnswer answer =
            allowed.reason() == Judgement.Reason.SHADOW ? PlainAnswer.SHADOW : PlainAnswer.ALLOWED;
        answer(context, answer, persistence, bodiless);
      }
      case Judgement.Denied denied -> {
        server.counters().denied.increment();
        Persistence effective = effective(persistence);
        AnswerEncoder.write(denied.denial(), effective, bodiless, answers(context));
        answered(context, effective);
      }
      case Judgement.Unavailable unavailable ->
          answer(context, server.unjudged(unavailable.cause()), persistence, bodiless);
    }
    server.counters().latency.record(nanoTime.getAsLong() - began);
  }

  private void answerReadiness(
      ChannelHandlerContext context, Persistence persistence, boolean bodiless) {
    List<String> reasons = server.reasonsNotReady();
    if (reasons.isEmpty()) {
      answer(context, PlainAnswer.READY, persistence, bodiless);
      return;
    }
    Persistence effective = effective(persistence);
    AnswerEncoder.notReady(reasons, effective, bodiless, answers(context));
    answered(context, effective);
  }

  /** The path of a target; queries may hold secrets and are not logged. */
  private static String path(String target) {
    int query = target.indexOf('?');
    int end = query < 0 ? target.length() : query;
    return target.substring(0, Math.min(end, 128));
  }

  private void body(ChannelHandlerContext context, HttpContent content) {
    bodyBytes += content.content().readableBytes();
    if (content.decoderResult().isFailure()) {
      server.counters().malformed.increment();
      send(context);
      context.close();
    } else if (bodyBytes > server.limits().maxBodyBytes()) {
      server.counters().tooLarge.increment();
      send(context);
      context.close();
    } else if (content instanceof LastHttpContent) {
      endOfCall(context);
    }
  }

  private void endOfCall(ChannelHandlerContext context) {
    endOfCallSeen = true;
    releaseSlot();
    if (phase != Phase.LINGER) {
      enter(Phase.IDLE, server.limits().idleTimeout().toNanos());
    } else if (lastAnswerSent) {
      context.close();
    }
  }

  private void releaseSlot() {
    if (holdsSlot) {
      holdsSlot = false;
      int ignored = server.counters().inFlight.decrementAndGet();
    }
  }

  private void answer(
      ChannelHandlerContext context,
      PlainAnswer answer,
      Persistence persistence,
      boolean bodiless) {
    Persistence effective = effective(persistence);
    AnswerEncoder.write(answer, effective, bodiless, answers(context));
    answered(context, effective);
  }

  /** Asked when the answer is written: the server may have begun to stop since the call came. */
  private Persistence effective(Persistence persistence) {
    return server.isStopping() ? Persistence.CLOSE : persistence;
  }

  private ByteBuf answers(ChannelHandlerContext context) {
    if (answers == null) {
      answers = context.alloc().directBuffer(BATCH_BYTES);
    }
    return answers;
  }

  private void answered(ChannelHandlerContext context, Persistence persistence) {
    if (persistence == Persistence.CLOSE) {
      ByteBuf last = answers(context);
      answers = null;
      enter(Phase.LINGER, server.limits().lingerTimeout().toNanos());
      context.writeAndFlush(last).addListener(written -> lastAnswerSent(context));
    } else if (answers(context).readableBytes() > MAX_BATCH_BYTES) {
      send(context);
    }
  }

  private void send(ChannelHandlerContext context) {
    if (answers != null) {
      ByteBuf batch = answers;
      answers = null;
      context.writeAndFlush(batch, context.voidPromise());
      if (context.channel().bytesBeforeWritable() > MAX_UNREAD_BYTES) {
        server.counters().timedOut.increment();
        context.close();
      }
    }
  }

  private void lastAnswerSent(ChannelHandlerContext context) {
    lastAnswerSent = true;
    if (endOfCallSeen) {
      context.close();
      return;
    }
    releaseSlot();
    SslHandler tls = context.pipeline().get(SslHandler.class);
    if (tls != null) {
      tls.closeOutbound();
    } else if (context.channel() instanceof DuplexChannel channel && channel.isActive()) {
      channel.shutdownOutput();
    }
  }

  /** A client that does not read its answers is not read from either. */
  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    stalled = !context.channel().isWritable();
    context.channel().config().setAutoRead(!stalled);
    stallDeadline = nanoTime.getAsLong() + server.limits().requestTimeout().toNanos();
    context.fireChannelWritabilityChanged();
  }

  private void enter(Phase next, long nanos) {
    phase = next;
    deadline = nanoTime.getAsLong() + nanos;
  }

  private void tick(ChannelHandlerContext context) {
    long now = nanoTime.getAsLong();
    boolean unread = stalled && now - stallDeadline >= 0;
    if (now - deadline < 0 && !unread) {
      return;
    }
    if (unread || phase == Phase.HEAD || phase == Phase.BODY) {
      server.counters().timedOut.increment();
    }
    context.close();
  }

  /** The server stops: an idle connection may make one more call within {@code patienceNanos}. */
  void stop(long patienceNanos) {
    if (phase == Phase.IDLE) {
      deadline = Math.min(deadline, nanoTime.getAsLong() + patienceNanos);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    boolean clients = cause instanceof IOException || cause.getCause() instanceof SSLException;
    if (clients) {
      logger.atDebug().setCause(cause).log("a connection broke");
    } else {
      server.fault(cause);
    }
    context.close();
  }
}
