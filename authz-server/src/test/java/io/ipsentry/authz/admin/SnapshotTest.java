package io.ipsentry.authz.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanSnapshot;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.SnapshotRequest;
import io.ipsentry.proto.v1.SnapshotResponse;
import io.ipsentry.proto.v1.WatchRequest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** States that are read quickly, slowly, or not at all. */
final class SnapshotTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final SnapshotRequest ANY = SnapshotRequest.getDefaultInstance();
  private static final AdminLimits SHORT_STALL =
      new AdminLimits(8, 8, Duration.ofSeconds(20), Duration.ofMillis(500), Duration.ofMinutes(1));

  /** Bans whose state is larger than every buffer on the way. */
  private static final int MANY = 10_000;

  private final AdminRig rig;

  SnapshotTest(@TempDir Path directory) {
    rig = new AdminRig(directory);
  }

  @AfterEach
  void close() {
    rig.close();
  }

  /** Reads a snapshot as fast as it is asked to. */
  private static final class Reading
      implements ClientResponseObserver<SnapshotRequest, SnapshotResponse> {
    final Queue<SnapshotResponse> responses = new ConcurrentLinkedQueue<>();
    volatile @Nullable Status end;
    volatile @Nullable StatusRuntimeException failure;
    private final int first;
    private volatile @Nullable ClientCallStreamObserver<SnapshotRequest> call;

    private Reading(int first) {
      this.first = first;
    }

    /**
     * Reads.
     *
     * @param first responses that it asks for before {@link #take}
     */
    static Reading start(Channel channel, SnapshotRequest request, int first) {
      Reading reading = new Reading(first);
      BanServiceGrpc.newStub(channel).snapshot(request, reading);
      return reading;
    }

    void take(int more) {
      Objects.requireNonNull(call).request(more);
    }

    void cancel() {
      Objects.requireNonNull(call).cancel("enough", null);
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<SnapshotRequest> stream) {
      call = stream;
      stream.disableAutoRequestWithInitial(first);
    }

    @Override
    public void onNext(SnapshotResponse response) {
      responses.add(response);
    }

    @Override
    public void onError(Throwable cause) {
      failure = (StatusRuntimeException) cause;
      end = failure.getStatus();
    }

    @Override
    public void onCompleted() {
      end = Status.OK;
    }

    Status.Code awaitEnd() {
      await().atMost(PATIENCE).until(() -> end != null);
      return Objects.requireNonNull(end).getCode();
    }

    SnapshotResponse.Header header() {
      return Objects.requireNonNull(responses.peek()).getHeader();
    }

    ApiErrors.Reason reason() {
      return ApiErrors.reason(Objects.requireNonNull(failure)).orElseThrow();
    }
  }

  private static ActiveBans state(List<SnapshotResponse> chunks) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (SnapshotResponse chunk : chunks) {
      chunk.getChunk().writeTo(bytes);
    }
    return BanSnapshot.read(
        new ByteArrayInputStream(bytes.toByteArray()), ActiveBans.Limits.DEFAULT);
  }

  @Test
  void snapshot_whole_isTheStateOfTheHeadInBoundedChunks() throws IOException {
    rig.appendBans(MANY);
    rig.start(AdminLimits.DEFAULT);

    Reading reading = Reading.start(rig.connect(), ANY, Integer.MAX_VALUE);

    assertThat(reading.awaitEnd()).isEqualTo(Status.Code.OK);
    List<SnapshotResponse> all = List.copyOf(reading.responses);
    List<SnapshotResponse> chunks = all.subList(1, all.size());
    assertThat(reading.header().getLogId()).isEqualTo(rig.log.id());
    assertThat(reading.header().getHead()).isEqualTo(MANY);
    assertThat(WireMessages.event(reading.header().getLastEvent()))
        .isEqualTo(rig.log.read(MANY, 1).getFirst());
    assertThat(chunks)
        .hasSizeGreaterThan(50)
        .allSatisfy(chunk -> assertThat(chunk.getChunk().size()).isBetween(1, 64 << 10));
    assertThat(chunks.stream().mapToLong(chunk -> chunk.getChunk().size()).sum())
        .isEqualTo(reading.header().getBytes());
    ActiveBans state = state(chunks);
    assertThat(state.head()).isEqualTo(MANY);
    assertThat(state.list(AdminRig.NOW)).isEqualTo(rig.writer.state().list(AdminRig.NOW));
  }

  @Test
  void snapshot_emptyLog_isAnEmptyState() throws IOException {
    rig.start(AdminLimits.DEFAULT);

    Reading reading = Reading.start(rig.connect(), ANY, Integer.MAX_VALUE);

    assertThat(reading.awaitEnd()).isEqualTo(Status.Code.OK);
    assertThat(reading.header().hasLastEvent()).isFalse();
    assertThat(state(List.copyOf(reading.responses).subList(1, 2)).head()).isZero();
  }

  @Test
  void snapshot_logOfAnotherName_isRefused() {
    rig.appendBans(1);
    rig.start(AdminLimits.DEFAULT);

    Reading other =
        Reading.start(rig.connect(), SnapshotRequest.newBuilder().setLogId("other").build(), 9);
    assertThat(other.awaitEnd()).isEqualTo(Status.Code.FAILED_PRECONDITION);
    assertThat(other.reason()).isEqualTo(ApiErrors.Reason.OTHER_LOG);
    Reading same =
        Reading.start(
            rig.connect(), SnapshotRequest.newBuilder().setLogId(rig.log.id()).build(), 9);
    assertThat(same.awaitEnd()).isEqualTo(Status.Code.OK);

    Watching watching =
        Watching.start(
            rig.connect(), WatchRequest.newBuilder().setFromSeq(1).setLogId("other").build(), 9, 1);
    await().atMost(PATIENCE).until(() -> watching.end != null);
    assertThat(ApiErrors.reason(Objects.requireNonNull(watching.end)))
        .contains(ApiErrors.Reason.OTHER_LOG);
    assertThat(watching.responses).isEmpty();
  }

  @Test
  void snapshot_moreThanTheLogHas_isRefused() {
    rig.appendBans(3);
    rig.start(AdminLimits.DEFAULT);

    Reading reading =
        Reading.start(rig.connect(), SnapshotRequest.newBuilder().setAtLeastSeq(4).build(), 9);

    assertThat(reading.awaitEnd()).isEqualTo(Status.Code.OUT_OF_RANGE);
    assertThat(reading.reason()).isEqualTo(ApiErrors.Reason.NOT_IN_THE_LOG);
    assertThat(ApiErrors.firstKept(Objects.requireNonNull(reading.failure))).isEmpty();
  }

  @Test
  void snapshot_notTaken_isCut() {
    rig.appendBans(MANY);
    rig.start(SHORT_STALL);
    Reading slow = Reading.start(rig.connect(), ANY, 1);
    await().atMost(PATIENCE).until(() -> !slow.responses.isEmpty());

    // Another is served meanwhile, and the cut is heard of behind what was sent.
    assertThat(Reading.start(rig.connect(), ANY, Integer.MAX_VALUE).awaitEnd())
        .isEqualTo(Status.Code.OK);
    await("the state is let go").atMost(PATIENCE).until(() -> takesTwoOthers());

    slow.take(Integer.MAX_VALUE);
    assertThat(slow.awaitEnd()).isEqualTo(Status.Code.ABORTED);
    assertThat(slow.reason()).isEqualTo(ApiErrors.Reason.READER_TOO_SLOW);
  }

  /** Whether there is room for two more states of different moments. */
  private boolean takesTwoOthers() {
    Reading first = newest();
    Reading second = newest();
    first.cancel();
    second.cancel();
    return first.failure == null && second.failure == null;
  }

  /** Begins to read a state that nobody has got yet. */
  private Reading newest() {
    rig.appendBans(1);
    Reading reading =
        Reading.start(
            rig.connect(), SnapshotRequest.newBuilder().setAtLeastSeq(rig.log.head()).build(), 1);
    await().atMost(PATIENCE).until(() -> !reading.responses.isEmpty() || reading.end != null);
    return reading;
  }

  @Test
  void snapshot_thirdMomentAtOnce_isRefusedUntilOneIsLetGo() {
    rig.appendBans(MANY);
    rig.start(AdminLimits.DEFAULT);
    Reading first = newest();
    Reading second = newest();
    assertThat(second.header().getHead()).isEqualTo(first.header().getHead() + 1);

    Reading third = newest();
    assertThat(third.awaitEnd()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(third.reason()).isEqualTo(ApiErrors.Reason.TOO_MANY_STREAMS);

    first.cancel();
    await().atMost(PATIENCE).until(() -> newest().failure == null);
  }

  @Test
  void close_snapshotIsBeingRead_endsIt() {
    rig.appendBans(MANY);
    AdminServer server = rig.start(AdminLimits.DEFAULT);
    Reading reading = Reading.start(rig.connect(), ANY, 1);
    await().atMost(PATIENCE).until(() -> !reading.responses.isEmpty());

    server.close();

    reading.take(Integer.MAX_VALUE);
    assertThat(reading.awaitEnd()).isIn(Status.Code.UNAVAILABLE, Status.Code.CANCELLED);
  }
}
