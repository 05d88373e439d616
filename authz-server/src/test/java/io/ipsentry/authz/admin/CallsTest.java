package io.ipsentry.authz.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import com.google.rpc.BadRequest.FieldViolation;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.ipsentry.authz.admin.ApiErrors.Reason;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.proto.v1.BanRequest;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.BanServiceGrpc.BanServiceBlockingStub;
import io.ipsentry.proto.v1.GetRequest;
import io.ipsentry.proto.v1.HistoryRequest;
import io.ipsentry.proto.v1.ListRequest;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What unary calls are told when they are wrong or take too long. */
final class CallsTest {
  private final AdminRig rig;

  CallsTest(@TempDir Path directory) {
    rig = new AdminRig(directory);
  }

  @AfterEach
  void close() {
    rig.close();
  }

  private static StatusRuntimeException failure(Runnable call) {
    return catchThrowableOfType(StatusRuntimeException.class, call::run);
  }

  @Test
  void call_severalFieldsWrong_allAreNamed() {
    rig.start(AdminLimits.DEFAULT);
    BanServiceBlockingStub bans = BanServiceGrpc.newBlockingStub(rig.connect());
    BanRequest request =
        BanRequest.newBuilder().setIp("example.org").setDuration(Duration.newBuilder()).build();

    StatusRuntimeException refused = failure(() -> bans.ban(request));

    assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(ApiErrors.reason(refused)).contains(Reason.INVALID_FIELDS);
    assertThat(ApiErrors.violations(refused))
        .extracting(FieldViolation::getField)
        .containsExactly("ip", "duration");
    assertThat(ApiErrors.violations(refused))
        .extracting(FieldViolation::getDescription)
        .satisfiesExactly(
            ip -> assertThat(ip).contains("write an address such as"),
            length -> assertThat(length).contains("1 ms to 36500 days"));
    assertThat(refused.getStatus().getDescription()).contains("ip: ").contains("duration: ");
    assertThat(rig.log.head()).isZero();
  }

  @Test
  void call_oneFieldWrong_isNamedByItsPathInTheMessage() {
    rig.start(AdminLimits.DEFAULT);
    BanServiceBlockingStub bans = BanServiceGrpc.newBlockingStub(rig.connect());

    assertField(() -> bans.list(ListRequest.newBuilder().setPageToken("x").build()), "page_token");
    assertField(() -> bans.list(ListRequest.newBuilder().setPageSize(10_001).build()), "page_size");
    assertField(
        () ->
            bans.list(
                ListRequest.newBuilder()
                    .setAt(Timestamp.newBuilder().setSeconds(Long.MAX_VALUE))
                    .build()),
        "at");
    assertField(
        () -> bans.history(HistoryRequest.newBuilder().setBeforeSeq(-1).build()), "before_seq");
    assertField(() -> bans.history(HistoryRequest.newBuilder().setIp("1.2").build()), "ip");
    assertField(
        () -> bans.ban(BanRequest.newBuilder().setIp("::2").setPermanent(false).build()),
        "permanent");
  }

  private static void assertField(Runnable call, String field) {
    assertThat(ApiErrors.violations(failure(call)))
        .extracting(FieldViolation::getField)
        .containsExactly(field);
  }

  @Test
  void call_takesTooLong_isAnsweredAndKeepsItsPlaceUntilItEnds() {
    CountDownLatch goOn = new CountDownLatch(1);
    rig.start(
        stuckUntil(goOn),
        new AdminLimits(
            1,
            8,
            java.time.Duration.ofMillis(200),
            AdminLimits.DEFAULT.watchStall(),
            AdminLimits.DEFAULT.recheck()));
    BanServiceBlockingStub bans = BanServiceGrpc.newBlockingStub(rig.connect());
    GetRequest get = GetRequest.newBuilder().setIp("203.0.113.7").build();

    StatusRuntimeException late = failure(() -> bans.get(get));
    StatusRuntimeException second = failure(() -> bans.get(get));
    goOn.countDown();

    assertThat(late.getStatus().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(ApiErrors.reason(late)).contains(Reason.TOO_LONG);
    assertThat(second.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(ApiErrors.reason(second)).contains(Reason.TOO_MANY_CALLS);
    await().untilAsserted(() -> assertThat(bans.get(get).getIp()).isEqualTo("203.0.113.7"));
  }

  /** The operations of the rig, whose {@code get} waits for somebody. */
  private BanOperations stuckUntil(CountDownLatch goOn) {
    return (BanOperations)
        Proxy.newProxyInstance(
            BanOperations.class.getClassLoader(),
            new Class<?>[] {BanOperations.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("get") && arguments[0] instanceof IpPrefix) {
                goOn.await();
              }
              try {
                return method.invoke(rig.operations, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause() == null ? e : e.getCause();
              }
            });
  }
}
