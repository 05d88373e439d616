package io.ipsentry.authz.envoy;

import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge;
import io.ipsentry.line.Slice;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;

/** Judges by a function of what it was told, and remembers that. Safe for any thread. */
final class ScriptedJudge implements RequestJudge {
  /** What the transport told; absent fields are {@code "-"}. */
  record Told(
      String peer,
      String forwardedFor,
      String clientHeader,
      String method,
      String host,
      String target,
      String userAgent,
      String policy,
      Caller caller) {}

  static final String POLICY_WITH_HEADER = "by-header";

  final Queue<Told> told = new ConcurrentLinkedQueue<>();
  private final Function<Told, Judgement> judgements;

  ScriptedJudge(Function<Told, Judgement> judgements) {
    this.judgements = judgements;
  }

  static ScriptedJudge allowing() {
    return new ScriptedJudge(told -> Judgement.Reason.NOT_BANNED.allowed());
  }

  @Override
  public Judgement judge(GatewayRequest request, Caller caller) {
    Told now =
        new Told(
            text(request.peer()),
            text(request.forwardedFor()),
            text(request.clientHeader()),
            text(request.method()),
            text(request.host()),
            text(request.target()),
            text(request.userAgent()),
            text(request.policy()),
            caller);
    told.add(now);
    return judgements.apply(now);
  }

  @Override
  public String clientHeader(GatewayRequest request) {
    return request.policy().equalsAscii(POLICY_WITH_HEADER) ? "x-real-ip" : "";
  }

  @Override
  public Set<String> clientHeaders() {
    return Set.of("x-real-ip");
  }

  private static String text(Slice field) {
    return field.isPresent() ? field.toString() : "-";
  }
}
