package io.ipsentry.conformance.stage;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.ipsentry.authz.admin.AdminChannel;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.SnapshotBytes;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.SnapshotRequest;
import io.ipsentry.proto.v1.SnapshotResponse;
import io.ipsentry.stage.Stage;
import io.ipsentry.stage.StageNode;
import io.ipsentry.stage.StageProcess;
import java.io.ByteArrayOutputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;

/**
 * Whether everybody who reads the ban log has what a replay of it gives: the watchers, the
 * authz-servers, the enforcers and their kernels, the snapshot, and the blocklist for people.
 * Confined to one thread.
 */
final class Readers {
  private static final Duration SOON = Duration.ofMinutes(3);
  private static final Duration LOOK = Duration.ofMillis(500);
  private static final int MAX_SHOWN = 10;
  private static final int ASKED = 40;
  private static final int REFUSED = 403;
  private static final int ALLOWED = 200;
  private static final JsonMapper JSON = new JsonMapper();

  private final Stage stage;

  Readers(Stage stage) {
    this.stage = stage;
  }

  /**
   * Waits until all have read the log to its end, and compares. While that goes on nobody may be
   * banned.
   *
   * @param free addresses of whom none is banned
   * @return the events, oldest first
   */
  List<SequencedEvent> judge(List<String> free) {
    List<SequencedEvent> events = stage.log();
    long head = events.getLast().seq();
    ActiveBans replayed = new ActiveBans();
    events.forEach(replayed::apply);
    awaitHead(head);
    byte[] bytes = bytes(replayed);
    for (StageProcess watcher : stage.watchers()) {
      assertThat(stateOf(watcher))
          .as("state of %s at event %d", watcher.name(), head)
          .isEqualTo(bytes);
    }
    snapshot(events);
    Set<String> decided = decided(replayed);
    stage.nodes().forEach(node -> kernel(node, decided));
    verdicts(decided, free);
    blocklist(head, decided);
    assertThat(stage.log(head + 1)).as("nobody was banned meanwhile").isEmpty();
    return events;
  }

  private void awaitHead(long head) {
    stage.watchers().forEach(watcher -> awaitSample(watcher, "ip_sentry_log_head", head));
    stage.authzServers().forEach(server -> awaitSample(server, "ip_sentry_log_head", head));
    stage
        .enforcers()
        .forEach(enforcer -> awaitSample(enforcer, "ip_sentry_enforcer_log_head", head));
  }

  private static void awaitSample(StageProcess process, String sample, long value) {
    Awaitility.await(process.name() + " has read up to event " + value)
        .atMost(SOON)
        .pollInterval(LOOK)
        .until(() -> process.metric(sample).orElse(-1), known -> known == value);
  }

  private static byte[] bytes(ActiveBans state) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    SnapshotBytes.of(state).parts().forEach(bytes::writeBytes);
    return bytes.toByteArray();
  }

  /** What a follower of this watcher would begin with. */
  private static byte[] stateOf(StageProcess watcher) {
    try (AdminChannel channel = AdminChannel.open(new AdminEndpoint.Socket(watcher.socket()))) {
      Iterator<SnapshotResponse> parts =
          BanServiceGrpc.newBlockingStub(channel.channel())
              .withDeadlineAfter(SOON.toSeconds(), TimeUnit.SECONDS)
              .snapshot(SnapshotRequest.getDefaultInstance());
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      parts.forEachRemaining(part -> bytes.writeBytes(part.getChunk().toByteArray()));
      return bytes.toByteArray();
    }
  }

  /** A snapshot, if there is one, is the replay of the events up to its own. */
  private void snapshot(List<SequencedEvent> events) {
    stage
        .snapshot()
        .ifPresent(stored -> {
          ActiveBans upTo = new ActiveBans();
          events.stream().filter(event -> event.seq() <= stored.head()).forEach(upTo::apply);
          assertThat(bytes(stored)).as("snapshot %d", stored.head()).isEqualTo(bytes(upTo));
        });
  }

  private Set<String> decided(ActiveBans state) {
    return state.list(stage.clock().instant()).stream()
        .map(active -> active.ban().ip().toString())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static void kernel(StageNode node, Set<String> decided) {
    Awaitility.await("the kernel of " + node.name())
        .atMost(SOON)
        .pollInterval(LOOK)
        .pollDelay(Duration.ZERO)
        .untilAsserted(() -> {
          Set<String> dropped = new TreeSet<>(node.kernel());
          dropped.addAll(node.kernel6());
          assertThat(without(decided, dropped)).as("not dropped by %s", node.name()).isEmpty();
          assertThat(without(dropped, decided)).as("dropped by %s", node.name()).isEmpty();
        });
  }

  private static List<String> without(Set<String> all, Set<String> others) {
    return all.stream().filter(each -> !others.contains(each)).limit(MAX_SHOWN).toList();
  }

  /** Of those who are banned, some from everywhere in their order; of those who are not, all. */
  private void verdicts(Set<String> decided, List<String> free) {
    List<String> inOrder = new ArrayList<>(decided);
    for (StageProcess server : stage.authzServers()) {
      for (int i = 0; i < ASKED && i < inOrder.size(); i++) {
        String banned = inOrder.get((int) ((long) i * inOrder.size() / ASKED) % inOrder.size());
        String address = banned.replace("/64", "1");
        assertThat(server.verdict(address))
            .as("%s of %s", server.name(), address)
            .isEqualTo(REFUSED);
      }
      for (String address : free) {
        assertThat(server.verdict(address))
            .as("%s of %s", server.name(), address)
            .isEqualTo(ALLOWED);
      }
    }
  }

  /** It is written soon, and not at once. */
  private void blocklist(long head, Set<String> decided) {
    JsonNode data =
        Awaitility.await("the blocklist of event " + head)
            .atMost(SOON)
            .pollInterval(LOOK)
            .until(
                () -> blocklist(),
                shown -> shown.path("version").asText().equals(Long.toString(head)));
    assertThat(data.path("active").asInt()).isEqualTo(decided.size());
    Set<String> shown = new TreeSet<>();
    parsed(data.path("blocklist.json").asText()).fieldNames().forEachRemaining(shown::add);
    assertThat(shown.remove("_version")).isTrue();
    assertThat(without(shown, decided)).as("shown, and not banned").isEmpty();
    assertThat(shown).hasSize(decided.size() - data.path("truncated").asInt());
  }

  private JsonNode blocklist() {
    return parsed(stage.kubectl().run("get", "configmap", "ip-sentry-blocklist", "--output=json"))
        .path("data");
  }

  private static JsonNode parsed(String json) {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("not JSON", e);
    }
  }
}
