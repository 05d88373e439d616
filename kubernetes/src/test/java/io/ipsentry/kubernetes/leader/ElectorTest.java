package io.ipsentry.kubernetes.leader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class ElectorTest {
  private static final LeaseTimes TIMES = LeaseTimes.DEFAULT;
  private static final Instant START = Instant.parse("2026-11-21T07:00:00Z");

  private final InMemoryLeases leases = new InMemoryLeases();
  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1_000);
  private Instant wall = START;
  private final Elector one = elector("one", leases);
  private final Elector other = elector("other", leases);

  private Elector elector(String identity, Leases on) {
    return new Elector(
        on, identity, Optional.of(identity + ":9004"), TIMES, () -> wall, nanos::get);
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  @Test
  void attempt_noLease_makesItAndLeads() {
    one.attempt();
    other.attempt();

    assertThat(one.leads()).isTrue();
    assertThat(one.leader()).contains(new Leader("one", Optional.of("one:9004"), true));
    assertThat(other.leads()).isFalse();
    assertThat(other.leader()).contains(new Leader("one", Optional.of("one:9004"), false));
  }

  @Test
  void attempt_renewedInTime_isNeverTaken() {
    one.attempt();
    for (int i = 0; i < 100; i++) {
      pass(TIMES.retry());
      one.attempt();
      other.attempt();
      assertThat(one.leads()).isTrue();
      assertThat(other.leads()).isFalse();
    }
  }

  @Test
  void attempt_holderDied_isTakenWhenItHasRunOutAndNotBefore() {
    one.attempt();
    other.attempt();

    pass(TIMES.lease().minusMillis(1));
    other.attempt();
    assertThat(other.leads()).isFalse();

    pass(Duration.ofMillis(1));
    other.attempt();
    assertThat(other.leads()).isTrue();
    assertThat(leases.get().orElseThrow().transitions()).isEqualTo(1);
    assertThat(one.leads()).isFalse();
  }

  @Test
  void leads_notRenewed_endsAtTheDeadlineBeforeAnotherMayTakeIt() {
    one.attempt();
    other.attempt();

    pass(TIMES.renewDeadline().minusNanos(1));
    assertThat(one.leads()).isTrue();
    pass(Duration.ofNanos(1));
    assertThat(one.leads()).isFalse();
    assertThat(one.leader()).isEmpty();
    other.attempt();
    assertThat(other.leads()).isFalse();
  }

  @Test
  void attempt_wallClocksAreWrong_changesNothing() {
    for (Duration step : new Duration[] {Duration.ofHours(1), Duration.ofHours(-1)}) {
      leases.delete();
      one.attempt();
      other.attempt();
      // As the holder's clock has it, this was written an hour from now, or an hour ago.
      wall = wall.plus(step);
      pass(TIMES.retry());
      one.attempt();
      other.attempt();
      assertThat(one.leads()).isTrue();
      assertThat(other.leads()).isFalse();
      wall = START;

      pass(TIMES.lease());
      other.attempt();
      assertThat(other.leads()).as("step of %s", step).isTrue();
      assertThat(one.leads()).isFalse();
      other.release();
    }
  }

  @Test
  void release_held_isTakenAtTheNextLook() {
    one.attempt();
    other.attempt();
    one.release();

    assertThat(one.leads()).isFalse();
    assertThat(leases.get().orElseThrow().address()).isEmpty();
    other.attempt();
    assertThat(other.leads()).isTrue();
  }

  @Test
  void release_deadlinePassedButLeaseOurs_isGivenBackAllTheSame() {
    one.attempt();
    pass(TIMES.renewDeadline());
    one.release();

    other.attempt();
    assertThat(other.leads()).isTrue();
  }

  @Test
  void release_notHeld_leavesTheLeaseToItsHolder() {
    one.attempt();
    other.attempt();
    other.release();
    leases.edit(lease -> lease);
    one.release();
    other.attempt();
    assertThat(other.leads()).isTrue();
    one.release();
    assertThat(leases.get().orElseThrow().holder()).isEqualTo("other");
  }

  @Test
  void attempt_personWroteAnotherHolder_standsByAndTakesItLater() {
    one.attempt();
    leases.edit(lease ->
        new LeaseRecord(
            "somebody",
            Optional.empty(),
            Duration.ZERO,
            Instant.EPOCH,
            Instant.MAX,
            lease.transitions(),
            ""));
    pass(TIMES.retry());
    one.attempt();
    assertThat(one.leads()).isFalse();
    assertThat(one.leader()).contains(new Leader("somebody", Optional.empty(), false));

    pass(TIMES.lease());
    assertThat(one.leader()).isEmpty();
    one.attempt();
    assertThat(one.leads()).isTrue();
  }

  @Test
  void attempt_leaseDeleted_isMadeAgain() {
    one.attempt();
    leases.delete();
    pass(TIMES.retry());
    other.attempt();
    assertThat(other.leads()).isTrue();
    one.attempt();
    assertThat(one.leads()).isFalse();
    assertThat(one.leader().orElseThrow().identity()).isEqualTo("other");
  }

  @Test
  void attempt_answerOfARenewalLost_isStillOurs() {
    boolean[] lost = {true};
    Leases lossy =
        new Leases() {
          @Override
          public Optional<LeaseRecord> get() {
            return leases.get();
          }

          @Override
          public LeaseRecord create(LeaseRecord lease) {
            return leases.create(lease);
          }

          @Override
          public LeaseRecord replace(LeaseRecord lease) {
            LeaseRecord stored = leases.replace(lease);
            if (lost[0]) {
              throw new ApiServerException(Reason.UNAVAILABLE, "no answer", null);
            }
            return stored;
          }
        };
    Elector unlucky = elector("unlucky", lossy);
    unlucky.attempt();
    pass(TIMES.retry());
    assertThatThrownBy(unlucky::attempt).isInstanceOf(ApiServerException.class);
    assertThat(unlucky.leads()).isTrue();
    lost[0] = false;
    pass(TIMES.retry());
    unlucky.attempt();
    pass(TIMES.renewDeadline().minus(TIMES.retry()));
    assertThat(unlucky.leads()).isTrue();
    assertThat(leases.get().orElseThrow().transitions()).isZero();
  }

  @Test
  void abstain_released_leavesItToOthersForAWhile() {
    one.attempt();
    one.abstain(TIMES.lease());
    one.release();
    one.attempt();
    assertThat(one.leads()).isFalse();
    pass(TIMES.lease());
    one.attempt();
    assertThat(one.leads()).isTrue();
  }
}
