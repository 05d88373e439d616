package io.ipsentry.authz.hits;

import com.google.rpc.BadRequest.FieldViolation;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.ipsentry.authz.admin.ApiErrors;
import io.ipsentry.authz.admin.CallerIdentity;
import io.ipsentry.detection.HitLedger;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.proto.v1.ReportRequest;
import io.ipsentry.proto.v1.ReportRequest.Hits;
import io.ipsentry.proto.v1.ReportResponse;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One reporter's stream. Takes a message when the one before was counted and not too many wait for
 * the log; answers with where it stands, of which only the newest matters. Safe for any thread.
 */
final class ReportStream implements StreamObserver<ReportRequest> {
  /** Messages that were counted and wait for the log. */
  static final int MAX_UNSETTLED = 64;

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");
  private static final Duration RETRY = Duration.ofMillis(50);

  private final HitServiceEndpoint service;
  private final ServerCallStreamObserver<ReportResponse> responses;
  private final ArrayDeque<Batch> unsettled = new ArrayDeque<>();
  private @Nullable String reporter;
  private long counted;
  private long decided;
  private long head;
  private boolean told = true;

  /** A message was asked for or is being counted: never two, for a later one must not overtake. */
  private boolean asking = true;

  private boolean ended;

  /** Hits that were counted together. */
  private static final class Batch {
    final long last;
    boolean settled;
    long head;

    Batch(long last) {
      this.last = last;
    }
  }

  ReportStream(HitServiceEndpoint service, ServerCallStreamObserver<ReportResponse> responses) {
    this.service = service;
    this.responses = responses;
    responses.disableAutoRequest();
    responses.setOnReadyHandler(this::flush);
    responses.setOnCancelHandler(() -> end(null));
    responses.request(1);
  }

  @Override
  public void onNext(ReportRequest request) {
    try {
      switch (request.getMessageCase()) {
        case HELLO -> hello(request.getHello().getReporter());
        case HITS -> take(read(request.getHits()));
        case MESSAGE_NOT_SET -> throw wrong("message", "must be hello or hits");
      }
    } catch (RuntimeException e) {
      end(ApiErrors.of(e));
    }
  }

  private static StatusRuntimeException wrong(String field, String why) {
    return ApiErrors.invalid(
        List.of(FieldViolation.newBuilder().setField(field).setDescription(why).build()));
  }

  private void hello(String name) {
    if (!NAME.matcher(name).matches()) {
      throw wrong("hello.reporter", "must be 1 to 64 of a-z A-Z 0-9 . _ -");
    }
    // Under the name that was recognised, so that no caller speaks for the reporter of another.
    String whole = CallerIdentity.current().map(identity -> identity + "/").orElse("") + name;
    synchronized (this) {
      if (reporter != null) {
        throw wrong("hello", "comes once, first");
      }
      reporter = whole;
    }
    service.opened(whole, this);
    HitLedger.Progress progress = service.ledger().hello(whole);
    synchronized (this) {
      counted = progress.counted();
    }
    tell();
    // What was counted before is decided when all is.
    count(whole, counted + 1, List.of());
  }

  /** A message, understood. */
  private record Message(long first, List<ReportedHit> hits) {}

  private static Message read(Hits hits) {
    if (hits.getFirst() < 1 || hits.getFirst() > Long.MAX_VALUE / 2) {
      throw wrong("hits.first", "must be 1 or more, and below 2^62");
    }
    if (hits.getHitsCount() < 1 || hits.getHitsCount() > HitServiceEndpoint.MAX_HITS) {
      throw wrong("hits.hits", "must be 1 to " + HitServiceEndpoint.MAX_HITS);
    }
    List<ReportedHit> read = new ArrayList<>(hits.getHitsCount());
    for (int i = 0; i < hits.getHitsCount(); i++) {
      try {
        read.add(HitMessages.hit(hits.getHits(i)));
      } catch (IllegalArgumentException e) {
        throw wrong("hits.hits[" + i + "]", String.valueOf(e.getMessage()));
      }
    }
    return new Message(hits.getFirst(), read);
  }

  private void take(Message message) {
    String name;
    synchronized (this) {
      name = reporter;
    }
    if (name == null) {
      throw wrong("message", "hello comes first");
    }
    count(name, message.first(), message.hits());
  }

  /** Counts hits, or tries again later while the owner has no room. */
  private void count(String name, long first, List<ReportedHit> hits) {
    long last = first + hits.size() - 1;
    Batch batch = new Batch(last);
    long before;
    synchronized (this) {
      if (ended) {
        return;
      }
      before = counted;
      // Before it is counted, for it may be settled at once.
      unsettled.addLast(batch);
    }
    boolean taken =
        service
            .ledger()
            .count(name, first, hits, service.owner(), logHead -> settled(batch, logHead));
    if (!taken) {
      service.postponed();
      synchronized (this) {
        unsettled.removeLastOccurrence(batch);
      }
      CompletableFuture.delayedExecutor(
              RETRY.toMillis(), TimeUnit.MILLISECONDS, Thread::startVirtualThread)
          .execute(() -> retry(name, first, hits));
      return;
    }
    long again = Math.clamp(before - first + 1, 0, hits.size());
    service.counted(hits.size() - again, again);
    synchronized (this) {
      counted = Math.max(counted, last);
      asking = false;
    }
    tell();
    askForMore();
  }

  private void retry(String name, long first, List<ReportedHit> hits) {
    try {
      count(name, first, hits);
    } catch (RuntimeException e) {
      end(ApiErrors.of(e));
    }
  }

  private void settled(Batch batch, long logHead) {
    synchronized (this) {
      batch.settled = true;
      batch.head = logHead;
      while (!unsettled.isEmpty() && unsettled.getFirst().settled) {
        Batch first = unsettled.removeFirst();
        decided = Math.max(decided, first.last);
        head = Math.max(head, first.head);
      }
      counted = Math.max(counted, decided);
    }
    tell();
    askForMore();
  }

  /** Lets the reporter send its next message, if there is room for it. */
  private synchronized void askForMore() {
    if (!ended && !asking && unsettled.size() < MAX_UNSETTLED) {
      asking = true;
      responses.request(1);
    }
  }

  /** Tells the reporter where it stands, now or as soon as it can take that. */
  void tell() {
    synchronized (this) {
      told = false;
    }
    flush();
  }

  private void flush() {
    String name;
    synchronized (this) {
      name = reporter;
    }
    if (name == null) {
      return;
    }
    long stored = service.ledger().stored(name);
    synchronized (this) {
      if (!ended && !told && responses.isReady()) {
        told = true;
        responses.onNext(
            ReportResponse.newBuilder()
                .setCounted(counted)
                .setDecided(decided)
                .setHead(head)
                .setStored(stored)
                .build());
      }
    }
  }

  /** Ends the stream; null: the reporter has gone. A second call does nothing. */
  void end(@Nullable StatusRuntimeException status) {
    String name;
    synchronized (this) {
      if (ended) {
        return;
      }
      ended = true;
      name = reporter;
      if (status != null) {
        responses.onError(status);
      }
    }
    if (name != null) {
      service.closed(name, this);
    }
  }

  @Override
  public void onError(Throwable cause) {
    end(null);
  }

  @Override
  public void onCompleted() {
    boolean open;
    synchronized (this) {
      open = !ended;
    }
    if (open) {
      end(null);
      responses.onCompleted();
    }
  }
}
