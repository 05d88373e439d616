package io.ipsentry.authz.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.channelz.v1.ChannelzGrpc;
import io.grpc.channelz.v1.GetServersRequest;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.protobuf.services.ChannelzService;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.grpc.stub.MetadataUtils;
import io.ipsentry.config.AdminConfig.AdminToken;
import io.ipsentry.proto.v1.AllowRequest;
import io.ipsentry.proto.v1.BanRequest;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.BanServiceGrpc.BanServiceBlockingStub;
import io.ipsentry.proto.v1.CheckServiceGrpc;
import io.ipsentry.proto.v1.DisallowRequest;
import io.ipsentry.proto.v1.GetRequest;
import io.ipsentry.proto.v1.GetStatusRequest;
import io.ipsentry.proto.v1.HistoryRequest;
import io.ipsentry.proto.v1.HitServiceGrpc;
import io.ipsentry.proto.v1.ListRequest;
import io.ipsentry.proto.v1.SnapshotRequest;
import io.ipsentry.proto.v1.StatusServiceGrpc;
import io.ipsentry.proto.v1.UnbanRequest;
import io.ipsentry.proto.v1.WatchRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The admin API where a cluster knows who may do what. */
final class ClusterAccessTest {
  private static final String IP = "203.0.113.7";
  private static final BanRequest BAN = BanRequest.newBuilder().setIp(IP).setBy("me").build();

  private final ScriptedCluster cluster = new ScriptedCluster();
  private final AdminRig rig;
  private final AdminServer server;

  ClusterAccessTest(@TempDir Path directory) {
    rig = new AdminRig(directory);
    AdminCallers own =
        new AdminCallers(List.of(new AdminToken("ops", "correct-horse-battery")), false);
    server = rig.startTcp(own, 0, Optional.of(cluster));
  }

  @AfterEach
  void close() {
    rig.close();
  }

  private Channel as(String token) {
    return rig.connect(server, () -> token);
  }

  private BanServiceBlockingStub bans(String token) {
    return BanServiceGrpc.newBlockingStub(as(token));
  }

  private BanServiceBlockingStub onBehalf(String token, String of) {
    Metadata headers = new Metadata();
    headers.put(CallerIdentity.ON_BEHALF_OF, of.getBytes(StandardCharsets.UTF_8));
    return bans(token).withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  private static Status.Code code(Runnable call) {
    try {
      call.run();
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private void assertRefused(
      Runnable call, Status.Code code, ApiErrors.Reason reason, String told) {
    StatusRuntimeException refused = catchThrowableOfType(StatusRuntimeException.class, call::run);
    assertThat(refused.getStatus().getCode()).isEqualTo(code);
    assertThat(ApiErrors.reason(refused)).contains(reason);
    assertThat(refused.getStatus().getDescription()).contains(told);
    assertThat(rig.log.head()).isZero();
  }

  /** What each verb is for, and nothing else. */
  @Test
  void call_userWithOneVerb_mayMakeTheCallsOfThatVerbAlone() {
    Map<String, Map<String, Runnable>> calls = new TreeMap<>();
    String token = "ann";
    calls.put("create", Map.of("ban", () -> bans(token).ban(BAN)));
    calls.put(
        "delete",
        Map.of("unban", () -> bans(token).unban(UnbanRequest.newBuilder().setIp(IP).build())));
    calls.put(
        "allow",
        Map.of(
            "allow",
            () -> bans(token).allow(AllowRequest.newBuilder().setIp(IP).build()),
            "disallow",
            () -> bans(token).disallow(DisallowRequest.newBuilder().setIp(IP).build())));
    calls.put(
        "get",
        Map.of(
            "get",
            () -> bans(token).get(GetRequest.newBuilder().setIp(IP).build()),
            "status",
            () ->
                StatusServiceGrpc.newBlockingStub(as(token))
                    .getStatus(GetStatusRequest.getDefaultInstance())));
    calls.put(
        "list",
        Map.of(
            "list",
            () -> bans(token).list(ListRequest.getDefaultInstance()),
            "history",
            () -> bans(token).history(HistoryRequest.getDefaultInstance()),
            "channelz",
            () ->
                ChannelzGrpc.newBlockingStub(as(token))
                    .getServers(GetServersRequest.getDefaultInstance())));
    calls.put(
        "watch",
        Map.of(
            "watch",
            () -> bans(token).watch(WatchRequest.newBuilder().setProgress(true).build()).next(),
            "snapshot",
            () -> bans(token).snapshot(SnapshotRequest.getDefaultInstance()).next()));
    for (String verb : calls.keySet()) {
      cluster.user(token, verb);
      calls.forEach((needed, ofVerb) ->
          ofVerb.forEach((name, call) ->
              assertThat(code(call))
                  .as(name + " with " + verb)
                  .isEqualTo(
                      needed.equals(verb) ? Status.Code.OK : Status.Code.PERMISSION_DENIED)));
    }
  }

  @Test
  void verbs_everyMethodThatIsServed_hasOne() {
    List<BindableService> others =
        List.of(ProtoReflectionServiceV1.newInstance(), ChannelzService.newInstance(1));
    List<String> methods = new ArrayList<>();
    List.of(
            BanServiceGrpc.getServiceDescriptor(),
            StatusServiceGrpc.getServiceDescriptor(),
            HitServiceGrpc.getServiceDescriptor(),
            CheckServiceGrpc.getServiceDescriptor())
        .forEach(service ->
            service.getMethods().stream()
                .map(MethodDescriptor::getFullMethodName)
                .forEach(methods::add));
    others.forEach(service ->
        service.bindService().getMethods().stream()
            .map(ServerMethodDefinition::getMethodDescriptor)
            .map(MethodDescriptor::getFullMethodName)
            .forEach(methods::add));

    assertThat(methods).hasSizeGreaterThan(15);
    assertThat(methods).allSatisfy(method -> assertThat(CallVerbs.of(method)).isPresent());
    assertThat(CallVerbs.of("ipsentry.v1.BanService/New")).isEmpty();
  }

  @Test
  void ban_userWhoMay_isNotedUnderHisName() {
    cluster.user("system:serviceaccount:web:deploy", "create");

    var ignored = bans("system:serviceaccount:web:deploy").ban(BAN);

    assertThat(rig.log.read(1, 1).getFirst().event().by())
        .isEqualTo("system:serviceaccount:web:deploy");
  }

  @Test
  void ban_userWithALongName_keepsItsBeginningAndADigest() {
    String one = "system:serviceaccount:" + "n".repeat(60) + ":a";
    String two = "system:serviceaccount:" + "n".repeat(60) + ":b";
    cluster.user(one, "create").user(two, "create");

    var first = bans(one).ban(BAN);
    var second = bans(two).ban(BanRequest.newBuilder().setIp("203.0.113.8").build());

    String by = rig.log.read(1, 1).getFirst().event().by();
    assertThat(by).hasSize(64).startsWith("system:serviceaccount:nnn");
    assertThat(rig.log.read(2, 1).getFirst().event().by()).hasSize(64).isNotEqualTo(by);
    assertThat(first.hasBanned() && second.hasBanned()).isTrue();
  }

  @Test
  void call_strangerOrOneWhoMayNotOrNoAnswer_isRefusedWithTheReason() {
    cluster.user("bob", "get");

    assertRefused(
        () -> bans("eve").ban(BAN),
        Status.Code.UNAUTHENTICATED,
        ApiErrors.Reason.UNAUTHENTICATED,
        "does not know the token");
    assertRefused(
        () -> bans("bob").ban(BAN),
        Status.Code.PERMISSION_DENIED,
        ApiErrors.Reason.DENIED,
        "bob may not create");
    assertRefused(
        () -> BanServiceGrpc.newBlockingStub(rig.connect(server, Optional.empty())).ban(BAN),
        Status.Code.UNAUTHENTICATED,
        ApiErrors.Reason.UNAUTHENTICATED,
        "--kubeconfig");
    cluster.away(true);
    assertRefused(
        () -> bans("bob").get(GetRequest.newBuilder().setIp(IP).build()),
        Status.Code.UNAVAILABLE,
        ApiErrors.Reason.ACCESS_UNKNOWN,
        "the API server does not answer");
    assertThat(server.refusedCalls()).isEqualTo(4);
  }

  @Test
  void health_clusterAway_isOpen() {
    cluster.away(true);

    assertThat(
            HealthGrpc.newBlockingStub(rig.connect(server, Optional.empty()))
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
  }

  @Test
  void call_tokenOfTheConfiguration_needsNoCluster() {
    cluster.away(true);

    var ignored = bans("correct-horse-battery").ban(BAN);

    assertThat(rig.log.read(1, 1).getFirst().event().by()).isEqualTo("token:ops/me");
  }

  // ---- on behalf of others

  @Test
  void ban_onBehalfByOneWhoMayForward_isNotedAsTold() {
    cluster.user("replica", "forward");

    var ignored = onBehalf("replica", "ann").ban(BAN);

    assertThat(rig.log.read(1, 1).getFirst().event().by()).isEqualTo("me");
  }

  @Test
  void call_onBehalfByOneWhoMayNotForward_isRefused() {
    cluster.user("ann", "create", "get", "delete", "allow", "list", "watch", "report");

    assertRefused(
        () -> onBehalf("ann", "bob").ban(BAN),
        Status.Code.PERMISSION_DENIED,
        ApiErrors.Reason.DENIED,
        "ann may not forward");
  }

  @Test
  void read_onBehalf_isRefused() {
    cluster.user("replica", "forward", "get");

    assertRefused(
        () -> onBehalf("replica", "bob").get(GetRequest.newBuilder().setIp(IP).build()),
        Status.Code.PERMISSION_DENIED,
        ApiErrors.Reason.DENIED,
        "not called on behalf of others");
    assertRefused(
        () -> onBehalf("replica", "b".repeat(600)).ban(BAN),
        Status.Code.PERMISSION_DENIED,
        ApiErrors.Reason.DENIED,
        "not called on behalf of others");
  }

  @Test
  void ban_onBehalfByATokenOfTheConfiguration_keepsItsName() {
    var ignored = onBehalf("correct-horse-battery", "ann").ban(BAN);

    assertThat(rig.log.read(1, 1).getFirst().event().by()).isEqualTo("token:ops/me");
  }

  private static Watching watch(Channel channel) {
    WatchRequest fromTheFirst = WatchRequest.newBuilder().setFromSeq(1).build();
    return Watching.start(channel, fromTheFirst, 100, 1);
  }

  @Test
  void watch_rightsTakenAway_isCutAndNotBefore() {
    cluster.user("ann", "watch").user("bob", "watch");
    Duration look = Duration.ofMillis(50);
    AdminServer often =
        rig.startTcp(
            new AdminLimits(8, 8, Duration.ofSeconds(20), Duration.ofSeconds(30), look),
            Optional.of(cluster));
    Watching ann = watch(rig.connect(often, () -> "ann"));
    Watching bob = watch(rig.connect(often, () -> "bob"));
    rig.append(1);
    await().until(() -> ann.lastSeq() == 1 && bob.lastSeq() == 1);
    // While nobody says that they may not, they may.
    cluster.away(true);
    int asked = cluster.asked();
    await().until(() -> cluster.asked() > asked + 4);
    rig.append(1);
    await().until(() -> ann.lastSeq() == 2);
    cluster.away(false);
    cluster.user("ann");

    await().until(() -> ann.end != null);

    StatusRuntimeException cut = Objects.requireNonNull(ann.end);
    assertThat(cut.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    rig.append(1);
    await().until(() -> bob.lastSeq() == 3);
    assertThat(ann.lastSeq()).isEqualTo(2);
    assertThat(bob.end).isNull();
    assertThat(often.refusedCalls()).isEqualTo(1);
  }
}
