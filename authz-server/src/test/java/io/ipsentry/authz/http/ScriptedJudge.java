package io.ipsentry.authz.http;

import io.ipsentry.authz.verdict.Denial;
import io.ipsentry.authz.verdict.GatewayRequest;
import io.ipsentry.authz.verdict.Judgement;
import io.ipsentry.authz.verdict.RequestJudge;
import io.ipsentry.line.Slice;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A judge whose judgements the test decides by the target, and that remembers what it was asked.
 * Safe for any thread, so one does for all.
 */
final class ScriptedJudge implements RequestJudge {
  /** A refusal as the default policy renders it. */
  static final Denial BANNED =
      new Denial(
          403,
          List.of(
              new Denial.Header("x-ip-sentry", "banned"),
              new Denial.Header("x-ip-sentry-ban-id", "42"),
              new Denial.Header("content-type", "text/plain; charset=utf-8")),
          "Forbidden ☹\n",
          "42",
          "probing",
          Instant.parse("2026-11-22T07:00:00Z"),
          "203.0.113.7",
          "^/.env");

  private final Function<String, Judgement> judgements;
  private final String clientHeader;
  private final ConcurrentLinkedQueue<Asked> asked = new ConcurrentLinkedQueue<>();

  /** What it was asked; null: the field was absent. */
  record Asked(
      @Nullable String policy,
      @Nullable String peer,
      @Nullable String forwardedFor,
      @Nullable String clientHeader,
      @Nullable String method,
      @Nullable String host,
      @Nullable String target,
      @Nullable String userAgent,
      Caller caller) {}

  ScriptedJudge(Function<String, Judgement> judgements, String clientHeader) {
    this.judgements = judgements;
    this.clientHeader = clientHeader;
  }

  /** Lets everything pass but {@code /banned}. */
  static ScriptedJudge refusingBanned() {
    return new ScriptedJudge(
        target ->
            target.equals("/banned")
                ? new Judgement.Denied(BANNED)
                : Judgement.Reason.NOT_BANNED.allowed(),
        "x-real-ip");
  }

  List<Asked> asked() {
    return new ArrayList<>(asked);
  }

  Asked lastAsked() {
    return asked().getLast();
  }

  @Override
  public Judgement judge(GatewayRequest request, Caller caller) {
    Asked question =
        new Asked(
            text(request.policy()),
            text(request.peer()),
            text(request.forwardedFor()),
            text(request.clientHeader()),
            text(request.method()),
            text(request.host()),
            text(request.target()),
            text(request.userAgent()),
            caller);
    asked.add(question);
    String target = question.target();
    return judgements.apply(target == null ? "" : target);
  }

  @Override
  public String clientHeader(GatewayRequest request) {
    return clientHeader;
  }

  @Override
  public Set<String> clientHeaders() {
    return clientHeader.isEmpty() ? Set.of() : Set.of(clientHeader);
  }

  private static @Nullable String text(Slice slice) {
    return slice.isPresent()
        ? new String(slice.array(), slice.from(), slice.length(), StandardCharsets.ISO_8859_1)
        : null;
  }
}
