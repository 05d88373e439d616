package io.ipsentry.conformance.soak;

import com.google.protobuf.Timestamp;
import io.grpc.Channel;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.proto.v1.ActiveBan;
import io.ipsentry.proto.v1.AllowRequest;
import io.ipsentry.proto.v1.BanRequest;
import io.ipsentry.proto.v1.BanResponse;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.BanServiceGrpc.BanServiceBlockingStub;
import io.ipsentry.proto.v1.DisallowRequest;
import io.ipsentry.proto.v1.GetRequest;
import io.ipsentry.proto.v1.GetResponse;
import io.ipsentry.proto.v1.ListRequest;
import io.ipsentry.proto.v1.UnbanRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** Bans and allows over the admin socket. Safe for any thread. */
final class Operator implements AutoCloseable {
  private final AdminChannel connection;

  Operator(Path socket) {
    connection = AdminChannel.open(new AdminEndpoint.Socket(socket));
  }

  private BanServiceBlockingStub api() {
    Channel channel = connection.channel();
    return BanServiceGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
  }

  /**
   * Bans it, or leaves it banned for longer.
   *
   * @return when the ban of exactly this ends, in milliseconds of Unix time; empty if it must not
   *     be banned
   */
  OptionalLong ban(String ip, Duration length) {
    BanResponse response =
        api()
            .ban(
                BanRequest.newBuilder()
                    .setIp(ip)
                    .setBy("soak")
                    .setDuration(
                        com.google.protobuf.Duration.newBuilder()
                            .setSeconds(length.toSeconds())
                            .setNanos(length.toNanosPart()))
                    .build());
    return switch (response.getResultCase()) {
      case BANNED -> OptionalLong.of(end(response.getBanned().getBan()));
      case ALREADY -> OptionalLong.of(end(response.getAlready().getBan()));
      case REFUSED -> OptionalLong.empty();
      case RESULT_NOT_SET -> throw new AssertionError("no result: " + response);
    };
  }

  /** Ends its bans; returns whether there was one. */
  boolean unban(String ip) {
    return api().unban(UnbanRequest.newBuilder().setIp(ip).setBy("soak").build()).hasUnbanned();
  }

  void allow(String ip) {
    var ignored = api().allow(AllowRequest.newBuilder().setIp(ip).setBy("soak").build());
  }

  void disallow(String ip) {
    var ignored = api().disallow(DisallowRequest.newBuilder().setIp(ip).setBy("soak").build());
  }

  GetResponse get(String ip) {
    return api().get(GetRequest.newBuilder().setIp(ip).build());
  }

  /** Bans that stand, of which there are at most 10,000. */
  List<ActiveBan> list() {
    return api().list(ListRequest.newBuilder().setPageSize(10_000).build()).getBansList();
  }

  /** Milliseconds of Unix time. */
  static long end(ActiveBan ban) {
    Timestamp end = ban.getExpiresAt();
    return end.getSeconds() * 1_000 + end.getNanos() / 1_000_000;
  }

  @Override
  public void close() {
    connection.close();
  }
}
