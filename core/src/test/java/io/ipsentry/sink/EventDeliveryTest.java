package io.ipsentry.sink;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.net.IpPrefix;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

final class EventDeliveryTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final SinkWorld world = new SinkWorld();
  private final FakeEventSink sink = new FakeEventSink();
  private EventDelivery work = new EventDelivery("people", sink, world.parts());

  private void ban(int count) {
    for (int i = 0; i < count; i++) {
      world.append(SinkEvents.ban(IpPrefix.ofV4(0xcb00_7100 + i), world.now(), null));
    }
  }

  private void restart() {
    work = new EventDelivery("people", sink, world.parts());
  }

  private static List<Long> upTo(long last) {
    return LongStream.rangeClosed(1, last).boxed().toList();
  }

  @Test
  void step_newSink_tellsNothingOfThePast() {
    ban(3);
    restart();
    world.run(work, MINUTE);
    assertThat(sink.taken).isEmpty();
    restart();
    ban(2);

    world.run(work, MINUTE);

    assertThat(sink.taken).containsExactly(4L, 5L);
    assertThat(work.status().position()).isEqualTo(5);
  }

  @Test
  void step_firstEventOfALog_isTold() {
    world.run(work, MINUTE);
    restart();
    ban(1);
    world.run(work, MINUTE);

    assertThat(sink.taken).containsExactly(1L);
  }

  /** A start takes its time, with a greeting that nobody answers. */
  @Test
  void step_eventBeforeTheFirstStep_isTold() {
    ban(1);
    restart();
    ban(1);
    world.run(work, MINUTE);

    assertThat(sink.taken).containsExactly(2L);
  }

  @Test
  void step_restartBetween_tellsEachOnce() {
    world.run(work, MINUTE);
    ban(150);
    assertThat(work.step()).isZero();
    restart();
    world.run(work, MINUTE);

    assertThat(sink.taken).isEqualTo(upTo(150));
  }

  @Test
  void step_takesSomeOnly_goesOnBehindThem() {
    world.run(work, MINUTE);
    sink.takesAtOnce = 7;
    ban(40);
    world.run(work, MINUTE);

    assertThat(sink.taken).isEqualTo(upTo(40));
  }

  @Test
  void step_answerLost_tellsAgain() {
    world.run(work, MINUTE);
    sink.lostAnswers.add(SinkException.transientFailure("no answer", null));
    ban(2);
    world.run(work, MINUTE);

    assertThat(sink.taken).containsExactly(1L, 2L, 1L, 2L);
    assertThat(work.status().failures()).isEqualTo(1);
    assertThat(work.status().problem()).isEmpty();
  }

  @Test
  void step_unwanted_movesOn() {
    world.run(work, MINUTE);
    world.append(
        new BanEvent.Allow(world.now(), IpPrefix.parse("192.0.2.1"), null, "cli", "office"));
    world.run(work, MINUTE);

    assertThat(sink.calls).isZero();
    assertThat(work.status().backlog()).isZero();
  }

  @Test
  void step_notTaken_passesOverThatOne() {
    world.run(work, MINUTE);
    sink.failures.add(SinkException.content("bad message"));
    ban(3);
    world.run(work, MINUTE);

    assertThat(sink.taken).containsExactly(2L, 3L);
    assertThat(work.status().passedOver()).isEqualTo(1);
    assertThat(work.status().lastError()).isEqualTo("bad message");
  }

  @Test
  void step_interval_collectsWhatComesMeanwhile() {
    sink.interval = Duration.ofSeconds(30);
    world.run(work, MINUTE);
    ban(1);
    world.run(work, Duration.ofSeconds(1));
    ban(5);
    world.run(work, Duration.ofSeconds(10));
    assertThat(sink.taken).containsExactly(1L);
    world.run(work, Duration.ofSeconds(30));

    assertThat(sink.sizes).containsExactly(1, 5);
  }

  @Test
  void step_refusedToken_isTriedEveryFiveMinutes() {
    world.run(work, MINUTE);
    sink.outage(SinkException.refused("the token is not taken"));
    ban(1);
    world.run(work, Duration.ofHours(1));

    assertThat(sink.calls).isBetween(11, 13);
    assertThat(work.status().problem()).isEqualTo("the token is not taken");
  }

  @Test
  void step_anotherLog_beginsAtItsHead() {
    assertThat(world.positions.move("people", Optional.empty(), new SinkPosition(77, "other")))
        .isTrue();
    ban(2);
    restart();
    world.run(work, MINUTE);
    ban(1);
    world.run(work, MINUTE);

    assertThat(sink.taken).containsExactly(3L);
  }

  /** Of two leaders at once the later one to store tells no more than what is left. */
  @Test
  void step_movedByAnother_goesOnFromThere() {
    world.run(work, MINUTE);
    ban(3);
    assertThat(
            world.positions.move(
                "people", world.positions.load("people"), new SinkPosition(2, world.log.id())))
        .isTrue();
    world.run(work, MINUTE);
    assertThat(work.status().position()).isEqualTo(3);
    ban(1);
    world.run(work, MINUTE);

    assertThat(sink.taken).containsExactly(1L, 2L, 3L, 3L, 4L);
  }

  @Test
  void step_aDayWithoutTheSink_losesNothingAndHoldsNothing() {
    world.run(work, MINUTE);
    sink.outage(SinkException.transientFailure("down", null));
    for (int minute = 0; minute < 24 * 60; minute++) {
      ban(10);
      world.run(work, MINUTE);
    }
    assertThat(sink.calls).isLessThan(24 * 60 * 60 / 150 + 10);
    assertThat(work.status().backlog()).isEqualTo(24 * 60 * 10);

    sink.outage(null);
    world.run(work, Duration.ofMinutes(10));

    assertThat(sink.taken).isEqualTo(upTo(24 * 60 * 10));
    assertThat(sink.sizes).allMatch(size -> size <= sink.maxEvents());
    assertThat(work.status().backlog()).isZero();
  }
}
