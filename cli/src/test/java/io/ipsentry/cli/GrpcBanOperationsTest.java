package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.proto.v1.GetStatusResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class GrpcBanOperationsTest extends BanOperationsContract {
  private @Nullable AdminServer server;

  @Override
  BanOperations reach(LogBanOperations local, Path directory) {
    Path socket = directory.resolve("run").resolve("admin.sock");
    server = AdminServer.builder(local, GetStatusResponse::getDefaultInstance).start(socket);
    return new GrpcBanOperations(new AdminClient(new AdminEndpoint.Socket(socket)));
  }

  @AfterEach
  void stop() {
    server().close();
  }

  private AdminServer server() {
    return Objects.requireNonNull(server);
  }

  @Test
  void call_serverGone_isTransientFailureThatNamesTheSocket() {
    operations().get(IpPrefix.parse("203.0.113.7"));
    server().close();

    assertThatThrownBy(
            () -> operations().ban(IpPrefix.parse("203.0.113.7"), Duration.ofHours(1), "", "x"))
        .isInstanceOfSatisfying(
            BanLogException.class,
            failure -> {
              assertThat(failure.isTransient()).isTrue();
              assertThat(failure).hasMessageContaining("admin.sock");
            });
  }

  @Test
  void watch_serverStops_fails() {
    Collector collector = new Collector();
    BanLog.Subscription subscription = operations().watch(0, collector);
    operations().ban(IpPrefix.parse("203.0.113.7"), Duration.ofHours(1), "", "x");
    await().untilAsserted(() -> assertThat(collector.numbers).isNotEmpty());

    server().close();

    await().untilAsserted(() -> assertThat(collector.failure.get()).isNotNull());
    subscription.close();
  }
}
