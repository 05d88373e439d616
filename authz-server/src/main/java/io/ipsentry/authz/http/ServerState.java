package io.ipsentry.authz.http;

import io.ipsentry.authz.transport.RareLog;
import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.authz.verdict.RequestJudge;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.List;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the connections of a server share. Safe for any thread. */
final class ServerState {
  private static final Logger logger = LoggerFactory.getLogger(ForwardAuthServer.class);

  private final ForwardAuthServer.Parts parts;
  private final HttpLimits limits;
  private final ForwardAuthCounters counters = new ForwardAuthCounters();
  private final RareLog unjudged = new RareLog(System::nanoTime);
  private final RareLog notFound = new RareLog(System::nanoTime);
  private final RareLog refusedConnections = new RareLog(System::nanoTime);
  private final RareLog faults = new RareLog(System::nanoTime);
  private final FastThreadLocal<Worker> workers = new WorkerOfThread();
  private volatile boolean stopping;

  /** What the connections of one thread share; confined to it. */
  record Worker(RequestJudge judge, RequestMapping mapping, GatewayRequest request) {}

  private final class WorkerOfThread extends FastThreadLocal<Worker> {
    @Override
    protected Worker initialValue() {
      return new Worker(parts.judges().get(), new RequestMapping(), new GatewayRequest());
    }
  }

  ServerState(ForwardAuthServer.Parts parts, HttpLimits limits) {
    this.parts = parts;
    this.limits = limits;
  }

  ForwardAuthServer.Parts parts() {
    return parts;
  }

  HttpLimits limits() {
    return limits;
  }

  ForwardAuthCounters counters() {
    return counters;
  }

  Worker worker() {
    return workers.get();
  }

  /** Whether every answer is the last of its connection. */
  boolean isStopping() {
    return stopping;
  }

  void stop() {
    stopping = true;
  }

  /** Why requests cannot be judged; empty: they can. */
  List<String> reasonsNotReady() {
    Supplier<List<String>> reasons = parts.reasonsNotReady();
    return stopping ? List.of("stopping") : reasons.get();
  }

  /**
   * Counts and logs a request that nobody judged.
   *
   * @param cause a stable word
   * @return what to answer
   */
  PlainAnswer unjudged(String cause) {
    boolean open = parts.options().get().failOpen();
    (open ? counters.failOpen : counters.unavailable).increment();
    unjudged.write(times ->
        logger
            .atWarn()
            .addKeyValue("cause", cause)
            .addKeyValue("times", times)
            .addKeyValue("fail_open", open)
            .log("requests were not judged"));
    return open ? PlainAnswer.FAIL_OPEN : PlainAnswer.UNAVAILABLE;
  }

  /** Counts and logs a call of a path that is not served: a gateway is set up wrongly. */
  void notFound(String path) {
    counters.notFound.increment();
    notFound.write(times ->
        logger
            .atWarn()
            .addKeyValue("path", path)
            .addKeyValue("times", times)
            .log("a gateway asks for a path that is not served"));
  }

  void connectionRefused() {
    counters.connectionsRefused.increment();
    refusedConnections.write(times ->
        logger
            .atWarn()
            .addKeyValue("limit", limits.maxConnections())
            .addKeyValue("times", times)
            .log("connections were refused"));
  }

  void fault(Throwable cause) {
    counters.errors.increment();
    faults.write(times ->
        logger
            .atError()
            .setCause(cause)
            .addKeyValue("times", times)
            .log("a call could not be handled"));
  }
}
