package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.authz.verdict.CheckedRequest;
import io.ipsentry.authz.verdict.PathHash;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.cli.Finding.State;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class AddressAgreementTest {
  private static final Instant NOW = Instant.parse("2026-11-21T07:00:00Z");

  private final List<LoggedRequest> logged = new ArrayList<>();
  private final List<CheckedRequest> checked = new ArrayList<>();

  private void logged(String client, String path, Duration after) {
    logged.add(
        new LoggedRequest(
            Optional.of(NOW.plus(after)), PathHash.of(path), Optional.of(IpPrefix.parse(client))));
  }

  private void logged(String client, String path) {
    logged(client, path, Duration.ofSeconds(1));
  }

  private void checked(String client, String path) {
    checked.add(
        new CheckedRequest(
            NOW,
            "",
            "shop.example",
            PathHash.of(path),
            client.isEmpty()
                ? Optional.empty()
                : Optional.of(new CheckedRequest.Client(IpPrefix.parse(client), SeenAs.PEER))));
  }

  private Finding finding() {
    return AddressAgreement.of(
        logged, checked, ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)));
  }

  @Test
  void of_noChecks_saysThatThereIsNothingToCompare() {
    logged("203.0.113.7", "/");
    assertThat(finding().what()).startsWith("no gateway has asked");
    assertThat(finding().state()).isEqualTo(State.OK);
  }

  @Test
  void of_noCheckAmongTheLines_comparesNothing() {
    logged("203.0.113.7", "/a");
    logged("203.0.113.7", "/b", Duration.ofMinutes(1));
    checked("10.0.0.1", "/b");
    checked("10.0.0.1", "/c");
    assertThat(finding().what()).startsWith("of 2 requests that were checked lately none is");
    assertThat(finding().state()).isEqualTo(State.OK);
  }

  @Test
  void of_sameClients_isWellAlsoWhereALineIsNotAmongThoseRead() {
    logged("203.0.113.7", "/a?query=1");
    logged("203.0.113.8", "/");
    checked("203.0.113.7", "/a");
    checked("203.0.113.7", "/");
    assertThat(finding())
        .isEqualTo(
            Finding.ok("addresses", "1 requests have the same client in the log and in the check"));
  }

  @Test
  void of_checkSeesAProxy_tellsToMendWhatTheGatewayTells() {
    for (int i = 1; i < 4; i++) {
      logged("203.0.113." + i, "/" + i);
      checked("10.0.0.1", "/" + i);
    }
    Finding found = finding();
    assertThat(found.state()).isEqualTo(State.FAIL);
    assertThat(found.what())
        .startsWith("3 of 3 requests have another client in the check than in the log")
        .contains(
            "of one to shop.example the check saw 10.0.0.1 (peer), and the log has 203.0.113.");
    assertThat(found.mend()).startsWith("have the gateway tell the check its client");
    assertThat(found.why()).contains("is not refused by the check");
  }

  @Test
  void of_checkSeesNobody_isAnotherClient() {
    logged("203.0.113.1", "/");
    checked("", "/");
    assertThat(finding().what()).contains("the check saw no address, and the log has 203.0.113.1");
    assertThat(finding().mend()).startsWith("have the gateway tell the check its client");
  }

  @Test
  void of_logSeesAProxy_tellsToMendTheLog() {
    logged("10.0.0.1", "/");
    checked("203.0.113.1", "/");
    assertThat(finding().mend()).startsWith("have the gateway log its client");
  }

  @Test
  void of_fewDiffer_warnsAndTellsToTakeTheClientTheSameWay() {
    for (int i = 1; i < 4; i++) {
      logged("203.0.113." + i, "/" + i);
      checked("203.0.113." + i, "/" + i);
    }
    logged("203.0.113.9", "/other");
    checked("198.51.100.9", "/other");
    Finding found = finding();
    assertThat(found.state()).isEqualTo(State.WARN);
    assertThat(found.what()).startsWith("1 of 4 requests");
    assertThat(found.mend()).startsWith("take the client the same way in both");
  }
}
