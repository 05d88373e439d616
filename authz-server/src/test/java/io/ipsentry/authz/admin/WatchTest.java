package io.ipsentry.authz.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.ipsentry.proto.v1.WatchRequest;
import io.ipsentry.proto.v1.WatchResponse;
import io.netty.channel.EventLoopGroup;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Watchers that are quick, slow, or do not read at all. */
final class WatchTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /**
   * So few streams that it shows when one is given up; the stall is long enough that a busy machine
   * makes nobody slow.
   */
  private static final AdminLimits ONE_STREAM =
      new AdminLimits(8, 1, Duration.ofSeconds(20), Duration.ofSeconds(2), Duration.ofMinutes(1));

  /** More than every buffer on the way holds. */
  private static final int MANY = 10_000;

  private final AdminRig rig;

  WatchTest(@TempDir Path directory) {
    rig = new AdminRig(directory);
  }

  @AfterEach
  void close() {
    rig.close();
  }

  private static WatchRequest from(long seq) {
    return WatchRequest.newBuilder().setFromSeq(seq).build();
  }

  private static StatusRuntimeException end(Watching watching) {
    await().atMost(PATIENCE).until(() -> watching.end != null);
    return Objects.requireNonNull(watching.end);
  }

  private static List<Long> numbers(Watching watching) {
    return watching.responses.stream().map(response -> response.getEvent().getSeq()).toList();
  }

  private static List<Long> range(long from, long to) {
    return LongStream.rangeClosed(from, to).boxed().toList();
  }

  /** Opens a watch as soon as there is a place for one. */
  private Watching awaitPlace(ManagedChannel channel, long from) {
    Watching[] found = new Watching[1];
    await()
        .atMost(PATIENCE)
        .until(() -> {
          Watching tried = Watching.start(channel, from(from), MANY, 1);
          await().atMost(PATIENCE).until(() -> tried.end != null || !tried.responses.isEmpty());
          found[0] = tried;
          return tried.end == null;
        });
    return found[0];
  }

  @Test
  void watch_oneResponseAtATime_getsEveryEvent() {
    rig.append(MANY);
    rig.start(AdminLimits.DEFAULT);

    Watching watching = Watching.start(rig.connect(), from(1), 1, 1);

    await().atMost(PATIENCE).until(() -> watching.responses.size() == MANY);
    assertThat(numbers(watching)).isEqualTo(range(1, MANY));
  }

  @Test
  void watch_asksForNoMore_isCutAndGoesOnWithoutGap() {
    rig.append(MANY);
    rig.start(ONE_STREAM);
    Watching slow = Watching.start(rig.connect(), from(1), 3, 0);
    await().atMost(PATIENCE).until(() -> slow.responses.size() == 3);

    // Its place is free although it has not read yet that it was cut.
    Watching next = awaitPlace(rig.connect(), 1);
    await().atMost(PATIENCE).until(() -> next.responses.size() == MANY);
    assertThat(slow.end).isNull();

    slow.take(MANY);
    StatusRuntimeException cut = end(slow);
    assertThat(cut.getStatus().getCode()).isEqualTo(Status.Code.ABORTED);
    assertThat(ApiErrors.reason(cut)).contains(ApiErrors.Reason.WATCHER_TOO_SLOW);
    assertThat(numbers(slow)).isEqualTo(range(1, slow.lastSeq()));
    assertThat(ApiErrors.lastSent(cut)).hasValue(slow.lastSeq());
    assertThat(slow.lastSeq()).isLessThan(MANY);
    assertThat(cut.getStatus().getDescription())
        .contains("the last one sent was " + slow.lastSeq());
  }

  @Test
  void watch_cut_resumesBehindTheLastItGot() {
    rig.append(MANY);
    rig.start(ONE_STREAM);
    Watching slow = Watching.start(rig.connect(), from(1), 3, 0);
    // The first try may come before the cut; each gives its place back.
    Watching other = awaitPlace(rig.connect(), MANY);
    assertThat(numbers(other)).containsExactly((long) MANY);
    slow.take(MANY);
    end(slow);
    ManagedChannel again = rig.connect();
    long last = slow.lastSeq();
    other.cancel();

    Watching resumed = awaitPlace(again, last + 1);
    rig.append(1);

    await().atMost(PATIENCE).until(() -> resumed.lastSeq() == MANY + 1);
    assertThat(numbers(resumed)).isEqualTo(range(last + 1, MANY + 1));
  }

  @Test
  void watch_connectionThatIsNotRead_isCutAndOthersGoOn() throws InterruptedException {
    rig.append(MANY);
    rig.start(ONE_STREAM);
    EventLoopGroup stuck = rig.loop();
    Watching slow = Watching.start(rig.connect(stuck), from(1), 1, 0);
    await().atMost(PATIENCE).until(() -> slow.responses.size() == 1);
    CountDownLatch readAgain = new CountDownLatch(1);
    stuck.execute(() -> {
      try {
        readAgain.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    });
    try {
      Watching next = awaitPlace(rig.connect(), 1);
      await().atMost(PATIENCE).until(() -> next.responses.size() == MANY);
    } finally {
      readAgain.countDown();
    }

    slow.take(MANY);
    StatusRuntimeException cut = end(slow);
    assertThat(ApiErrors.reason(cut)).contains(ApiErrors.Reason.WATCHER_TOO_SLOW);
    assertThat(numbers(slow)).isEqualTo(range(1, slow.lastSeq()));
  }

  @Test
  void watch_beyondTheNextEvent_isOutOfRange() {
    rig.append(3);
    rig.start(AdminLimits.DEFAULT);
    ManagedChannel channel = rig.connect();

    StatusRuntimeException refused = end(Watching.start(channel, from(5), 1, 1));
    assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.OUT_OF_RANGE);
    assertThat(ApiErrors.reason(refused)).contains(ApiErrors.Reason.NOT_IN_THE_LOG);
    assertThat(refused.getStatus().getDescription()).contains("goes up to event 3");

    Watching next = Watching.start(channel, from(4), 1, 1);
    rig.append(1);
    await().atMost(PATIENCE).until(() -> next.lastSeq() == 4);
  }

  @Test
  void watch_withProgress_tellsTheHeadAtOnceAndAgain() {
    rig.start(AdminLimits.DEFAULT);
    WatchRequest request = WatchRequest.newBuilder().setFromSeq(1).setProgress(true).build();
    Watching watching = Watching.start(rig.connect(), request, 1, 1);

    await().atMost(PATIENCE).until(() -> !watching.responses.isEmpty());
    assertThat(watching.responses).containsExactly(WatchResponse.getDefaultInstance());
    rig.append(2);

    await()
        .atMost(PATIENCE)
        .until(() -> watching.responses.stream().anyMatch(told -> told.getHead() == 2));
    assertThat(watching.responses.stream().filter(WatchResponse::hasEvent))
        .extracting(told -> told.getEvent().getSeq())
        .containsExactly(1L, 2L);
  }
}
