package io.ipsentry.authz.admin;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.SnapshotBytes;
import io.ipsentry.proto.v1.SnapshotResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Streams of {@code Snapshot}: the state of the log's head, encoded once for those who ask at about
 * the same time, and sent to each as fast as it reads.
 *
 * <p>At most {@value #MAX_HELD} encoded states are held (about 30 bytes a ban each); one is let go
 * when the last reader has it. A reader that takes nothing for longer than the stall (and up to as
 * long again), or not all within {@value #MAX_LOOKS} stalls, is cut with {@code ABORTED}, so that
 * nobody holds one for ever. Safe for any thread.
 */
final class SnapshotStreams {
  /** Largest message but for its few bytes of framing. */
  static final int CHUNK_BYTES = 64 << 10;

  /** States of different moments in memory. */
  static final int MAX_HELD = 2;

  /** Looks at a reader, one a stall, before it is cut. */
  private static final int MAX_LOOKS = 20;

  /** A state that is being sent and not older is sent to others too. */
  private static final long FRESH_NANOS = Duration.ofSeconds(5).toNanos();

  private final BanWriter writer;
  private final BanOperations operations;
  private final Duration stall;
  private final BanServiceEndpoint.Later later;
  private final Set<Reader> readers = ConcurrentHashMap.newKeySet();

  /** Held while a state is encoded, so that those who come meanwhile get the same. */
  private final ReentrantLock lock = new ReentrantLock();

  private final List<Held> held = new ArrayList<>();

  /** An encoded state and how many read it. */
  private static final class Held {
    final SnapshotBytes bytes;
    final SnapshotResponse header;
    final long encodedAt;
    int readers;

    Held(SnapshotBytes bytes, SnapshotResponse header, long encodedAt) {
      this.bytes = bytes;
      this.header = header;
      this.encodedAt = encodedAt;
    }
  }

  /**
   * @param writer of the log
   * @param operations on the same log
   * @param stall how long a reader may take nothing
   */
  SnapshotStreams(
      BanWriter writer, BanOperations operations, Duration stall, BanServiceEndpoint.Later later) {
    this.writer = writer;
    this.operations = operations;
    this.stall = stall;
    this.later = later;
  }

  /** Refuses a caller that follows another log; empty: it follows none yet. */
  void checkLog(String followed) {
    if (!followed.isEmpty() && !followed.equals(writer.logId())) {
      throw ApiErrors.of(
          Status.Code.FAILED_PRECONDITION,
          ApiErrors.Reason.OTHER_LOG,
          "the log here is "
              + writer.logId()
              + ", not "
              + followed
              + "; what is known of that one is of no use with it");
    }
  }

  /**
   * Sends a state.
   *
   * @param atLeast it holds the events up to this number
   */
  void send(ServerCallStreamObserver<SnapshotResponse> responses, long atLeast) {
    Held state = take(atLeast);
    Reader reader = new Reader(responses, state);
    readers.add(reader);
    responses.setOnReadyHandler(reader::pump);
    responses.setOnCancelHandler(() -> reader.end(null));
    later.schedule(reader::look, stall);
    reader.pump();
  }

  private Held take(long atLeast) {
    lock.lock();
    try {
      long now = System.nanoTime();
      Held state = null;
      for (Held known : held) {
        if (known.bytes.head() >= atLeast && now - known.encodedAt < FRESH_NANOS) {
          state = known;
        }
      }
      if (state == null) {
        state = encode(atLeast);
        held.add(state);
      }
      state.readers++;
      return state;
    } finally {
      lock.unlock();
    }
  }

  private Held encode(long atLeast) {
    if (held.size() >= MAX_HELD) {
      throw ApiErrors.of(
          Status.Code.RESOURCE_EXHAUSTED,
          ApiErrors.Reason.TOO_MANY_STREAMS,
          "older snapshots are still being read; try again");
    }
    SnapshotBytes bytes = writer.snapshot();
    long head = bytes.head();
    if (head < atLeast) {
      throw ApiErrors.of(
          Status.Code.OUT_OF_RANGE,
          ApiErrors.Reason.NOT_IN_THE_LOG,
          "the log goes up to event " + head + ", so event " + atLeast + " was of another log");
    }
    SnapshotResponse.Header.Builder header =
        SnapshotResponse.Header.newBuilder()
            .setLogId(writer.logId())
            .setHead(head)
            .setBytes(bytes.size());
    operations.history(null, head + 1, 1).stream()
        .filter((SequencedEvent event) -> event.seq() == head)
        .forEach(event -> header.setLastEvent(WireMessages.toProto(event)));
    return new Held(
        bytes, SnapshotResponse.newBuilder().setHeader(header).build(), System.nanoTime());
  }

  private void release(Held state) {
    lock.lock();
    try {
      if (--state.readers == 0) {
        held.remove(state);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Encoded states in memory. */
  int held() {
    lock.lock();
    try {
      return held.size();
    } finally {
      lock.unlock();
    }
  }

  /** Ends all, so that the server can stop. */
  void endAll() {
    readers.forEach(reader -> reader.end(ApiErrors.stopping()));
  }

  /** One caller. */
  private final class Reader {
    private final ServerCallStreamObserver<SnapshotResponse> responses;
    private final Held state;
    private boolean headerSent;
    private int part;
    private int offset;
    private boolean progressed;
    private int looks;
    private boolean ended;

    Reader(ServerCallStreamObserver<SnapshotResponse> responses, Held state) {
      this.responses = responses;
      this.state = state;
    }

    /** Sends what the caller can take now. */
    void pump() {
      boolean done = false;
      synchronized (this) {
        while (!ended && responses.isReady()) {
          progressed = true;
          if (!headerSent) {
            headerSent = true;
            responses.onNext(state.header);
          } else if (part < state.bytes.parts().size()) {
            responses.onNext(nextChunk());
          } else {
            ended = true;
            done = true;
            responses.onCompleted();
          }
        }
      }
      if (done) {
        release();
      }
    }

    private SnapshotResponse nextChunk() {
      byte[] bytes = state.bytes.parts().get(part);
      int length = Math.min(CHUNK_BYTES, bytes.length - offset);
      SnapshotResponse chunk =
          SnapshotResponse.newBuilder()
              .setChunk(UnsafeByteOperations.unsafeWrap(bytes, offset, length))
              .build();
      offset += length;
      if (offset == bytes.length) {
        part++;
        offset = 0;
      }
      return chunk;
    }

    /** Cuts it when it has taken nothing since the last look, or looks have been too many. */
    void look() {
      boolean tooSlow;
      synchronized (this) {
        if (ended) {
          return;
        }
        tooSlow = !progressed || ++looks == MAX_LOOKS;
        progressed = false;
      }
      if (tooSlow) {
        end(
            ApiErrors.of(
                Status.Code.ABORTED,
                ApiErrors.Reason.READER_TOO_SLOW,
                "the snapshot was not taken fast enough; ask for it again"));
      } else {
        later.schedule(this::look, stall);
      }
    }

    /** Ends it; null: the caller has gone. A second call does nothing. */
    void end(@Nullable StatusRuntimeException status) {
      synchronized (this) {
        if (ended) {
          return;
        }
        ended = true;
        if (status != null) {
          responses.onError(status);
        }
      }
      release();
    }

    private void release() {
      readers.remove(this);
      SnapshotStreams.this.release(state);
    }
  }
}
