package io.ipsentry.authz.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.ipsentry.authz.admin.ApiErrors;
import io.ipsentry.authz.forward.Replicas.Replica;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.proto.v1.AllowRequest;
import io.ipsentry.proto.v1.BanRequest;
import io.ipsentry.proto.v1.BanResponse;
import io.ipsentry.proto.v1.DisallowRequest;
import io.ipsentry.proto.v1.GetRequest;
import io.ipsentry.proto.v1.UnbanRequest;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Changes asked of a replica that does not lead, over real connections. */
final class ForwardingTest {
  private static final String IP = "203.0.113.7";
  private static final BanRequest BAN = BanRequest.newBuilder().setIp(IP).setBy("me").build();
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final Replicas replicas;

  ForwardingTest(@TempDir Path directory) {
    replicas = new Replicas(directory);
  }

  @AfterEach
  void close() {
    replicas.close();
  }

  private static StatusRuntimeException refused(Replica replica) {
    return catchThrowableOfType(
        StatusRuntimeException.class, () -> replica.bans("ann").ban(BAN).getBanned());
  }

  @Test
  void changes_atAStandby_areMadeByTheLeaderForTheCallerAndReadAtOnce() {
    AtomicInteger made = new AtomicInteger();
    Replica leader = replicas.start(own -> counting(own, made));
    Replica standby = replicas.start();
    leader.leads();
    standby.follows(leader);

    assertThat(standby.bans("ann").ban(BAN).hasBanned()).isTrue();
    assertThat(standby.writer.state().head()).as("before anything was read").isEqualTo(1);
    assertThat(standby.bans("ann").get(GetRequest.newBuilder().setIp(IP).build()).getBanned())
        .isTrue();
    assertThat(standby.bans("ann").unban(UnbanRequest.newBuilder().setIp(IP).build()).hasUnbanned())
        .isTrue();
    assertThat(standby.bans("ann").allow(AllowRequest.newBuilder().setIp(IP).build()).hasAllowed())
        .isTrue();
    assertThat(
            standby
                .bans("ann")
                .disallow(DisallowRequest.newBuilder().setIp(IP).build())
                .hasDisallowed())
        .isTrue();
    assertThat(
            standby.bans("ann").ban(BanRequest.newBuilder().setIp("10.0.0.1").build()).hasRefused())
        .isTrue();

    assertThat(made).hasValue(5);
    assertThat(replicas.log.read(1, 10))
        .hasSize(4)
        .allSatisfy(event -> assertThat(event.event().by()).isEqualTo("ann"));
    assertThat(standby.writer.state().head()).isEqualTo(4);
  }

  /** The same operations, whose changes are counted. */
  private static BanOperations counting(BanOperations own, AtomicInteger made) {
    return (BanOperations)
        Proxy.newProxyInstance(
            BanOperations.class.getClassLoader(),
            new Class<?>[] {BanOperations.class},
            (proxy, method, arguments) -> {
              if (method.getName().matches("(un)?ban|(dis)?allow")) {
                made.incrementAndGet();
              }
              try {
                return method.invoke(own, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  void change_callerWhoMayNot_isRefusedByTheStandby() {
    Replica leader = replicas.start();
    Replica standby = replicas.start();
    leader.leads();
    standby.follows(leader);
    replicas.cluster.user("ann", "get");

    assertThat(refused(standby).getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(leader.server.refusedCalls()).isZero();
    assertThat(replicas.log.head()).isZero();
  }

  @Test
  void change_standbyMayNotForward_saysWhichRightIsMissing() {
    Replica leader = replicas.start();
    Replica standby = replicas.start();
    leader.leads();
    standby.follows(leader);
    replicas.cluster.user("replica", "create");

    StatusRuntimeException failure = refused(standby);

    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
    assertThat(failure.getStatus().getDescription())
        .contains("nothing was changed")
        .contains("forward on bans.ip-sentry.io");
    assertThat(replicas.log.head()).isZero();
  }

  @Test
  void change_nobodyLeads_isToldSoInTime() {
    Replica standby = replicas.start();

    StatusRuntimeException failure = refused(standby);

    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(ApiErrors.reason(failure)).contains(ApiErrors.Reason.NO_LEADER);
    assertThat(failure.getStatus().getDescription())
        .contains("nothing was changed")
        .contains("nobody holds the Lease");
  }

  @Test
  void change_leaderFoundMeanwhile_isMade() {
    Replica next = replicas.start();
    Replica standby = replicas.start();
    Replica gone = replicas.start();
    standby.follows(gone);
    gone.server.close();

    CompletableFuture<BanResponse> answer =
        CompletableFuture.supplyAsync(() -> standby.bans("ann").ban(BAN));
    assertThat(answer).isNotCompleted();
    next.leads();
    standby.follows(next);

    await().atMost(PATIENCE).until(answer::isDone);
    assertThat(answer.join().hasBanned()).isTrue();
    assertThat(replicas.log.head()).isEqualTo(1);
  }

  @Test
  void change_thisReplicaBecomesTheLeaderMeanwhile_isMadeHere() {
    Replica standby = replicas.start();

    CompletableFuture<BanResponse> answer =
        CompletableFuture.supplyAsync(() -> standby.bans("ann").ban(BAN));
    standby.leads();

    await().atMost(PATIENCE).until(answer::isDone);
    assertThat(answer.join().hasBanned()).isTrue();
  }

  @Test
  void change_twoWhoTakeEachOtherForTheLeader_isNotPassedInCircles() {
    AtomicInteger made = new AtomicInteger();
    Replica one = replicas.start(own -> counting(own, made));
    Replica two = replicas.start(own -> counting(own, made));
    one.follows(two);
    two.follows(one);

    StatusRuntimeException failure = refused(one);

    assertThat(ApiErrors.reason(failure)).contains(ApiErrors.Reason.NO_LEADER);
    assertThat(failure.getStatus().getDescription()).contains("does not lead");
    assertThat(made).hasValue(0);
    assertThat(replicas.log.head()).isZero();
  }

  /** What may have been made is not made again. */
  @Test
  void change_leaderDiesInTheMidst_saysThatItMayHaveBeenMade() {
    CountDownLatch began = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    AtomicInteger made = new AtomicInteger();
    Replica leader =
        replicas.start(own ->
            counting(
                (BanOperations)
                    Proxy.newProxyInstance(
                        BanOperations.class.getClassLoader(),
                        new Class<?>[] {BanOperations.class},
                        (proxy, method, arguments) -> {
                          if (method.getName().equals("ban")) {
                            began.countDown();
                            release.await();
                          }
                          return method.invoke(own, arguments);
                        }),
                made));
    Replica standby = replicas.start();
    leader.leads();
    standby.follows(leader);

    CompletableFuture<StatusRuntimeException> answer =
        CompletableFuture.supplyAsync(() -> refused(standby));
    await().atMost(PATIENCE).until(() -> began.getCount() == 0);
    leader.server.close();
    await().atMost(PATIENCE).until(answer::isDone);
    release.countDown();

    assertThat(answer.join().getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(answer.join().getStatus().getDescription()).contains("may have been made, or not");
    assertThat(made).hasValue(1);
  }
}
