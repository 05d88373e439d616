package io.ipsentry.authz.checks;

import com.google.rpc.BadRequest.FieldViolation;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import io.ipsentry.authz.admin.ApiErrors;
import io.ipsentry.authz.admin.CallerIdentity;
import io.ipsentry.authz.verdict.CheckedRequest;
import io.ipsentry.authz.verdict.RecentChecks;
import io.ipsentry.proto.v1.CheckServiceGrpc;
import io.ipsentry.proto.v1.ListChecksRequest;
import io.ipsentry.proto.v1.ListChecksResponse;
import io.ipsentry.proto.v1.TellChecksRequest;
import io.ipsentry.proto.v1.TellChecksResponse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * {@code CheckService}: what this process judged, and what others tell that they did. Of each of
 * {@value #MAX_SERVERS} processes {@value RecentChecks#CAPACITY} requests are kept, in memory. Safe
 * for any thread.
 */
public final class CheckServiceEndpoint extends CheckServiceGrpc.CheckServiceImplBase {
  /** Processes that are remembered. */
  static final int MAX_SERVERS = 32;

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private final Supplier<List<RecentChecks>> own;

  /** By name, the one that was silent longest first. Guarded by itself. */
  private final Map<String, Deque<CheckedRequest>> told = new LinkedHashMap<>();

  /**
   * @param own of this process; none: it serves no gateways
   */
  public CheckServiceEndpoint(Supplier<List<RecentChecks>> own) {
    this.own = own;
  }

  @Override
  public void tell(TellChecksRequest request, StreamObserver<TellChecksResponse> responses) {
    try {
      List<CheckedRequest> checks = read(request);
      // Under the name that was recognised, so that no caller speaks for the process of another.
      keep(
          CallerIdentity.current().map(identity -> identity + "/").orElse("") + request.getServer(),
          checks);
    } catch (StatusRuntimeException e) {
      responses.onError(e);
      return;
    }
    responses.onNext(TellChecksResponse.getDefaultInstance());
    responses.onCompleted();
  }

  private static List<CheckedRequest> read(TellChecksRequest request) {
    if (!NAME.matcher(request.getServer()).matches()) {
      throw wrong("server", "must be 1 to 64 of a-z A-Z 0-9 . _ -");
    }
    if (request.getChecksCount() < 1 || request.getChecksCount() > RecentChecks.CAPACITY) {
      throw wrong("checks", "must be 1 to " + RecentChecks.CAPACITY);
    }
    List<CheckedRequest> checks = new ArrayList<>(request.getChecksCount());
    for (int i = 0; i < request.getChecksCount(); i++) {
      try {
        checks.add(CheckMessages.check(request.getChecks(i)));
      } catch (IllegalArgumentException e) {
        throw wrong("checks[" + i + "]", String.valueOf(e.getMessage()));
      }
    }
    return checks;
  }

  private static StatusRuntimeException wrong(String field, String why) {
    return ApiErrors.invalid(
        List.of(FieldViolation.newBuilder().setField(field).setDescription(why).build()));
  }

  private void keep(String server, List<CheckedRequest> checks) {
    synchronized (told) {
      Deque<CheckedRequest> before = told.remove(server);
      Deque<CheckedRequest> newest = before == null ? new ArrayDeque<>() : before;
      newest.addAll(checks);
      while (newest.size() > RecentChecks.CAPACITY) {
        newest.removeFirst();
      }
      if (told.size() == MAX_SERVERS) {
        told.remove(told.keySet().iterator().next());
      }
      told.put(server, newest);
    }
  }

  @Override
  public void listChecks(ListChecksRequest request, StreamObserver<ListChecksResponse> responses) {
    ListChecksResponse.Builder all = ListChecksResponse.newBuilder();
    for (RecentChecks recent : own.get()) {
      recent.since(0).checks().forEach(check -> all.addChecks(CheckMessages.toProto(check)));
    }
    synchronized (told) {
      for (Deque<CheckedRequest> checks : told.values()) {
        checks.forEach(check -> all.addChecks(CheckMessages.toProto(check)));
      }
    }
    responses.onNext(all.build());
    responses.onCompleted();
  }
}
