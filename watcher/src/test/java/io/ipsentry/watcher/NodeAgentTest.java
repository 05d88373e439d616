package io.ipsentry.watcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.Checkpoints;
import io.ipsentry.banlog.InMemoryCheckpoints;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.detection.HitOutbox;
import io.ipsentry.detection.ReportedHit;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An agent on real files that is killed, whose store fails and whose leader is another. */
final class NodeAgentTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Instant BEGIN = Instant.parse("2026-11-26T10:00:00Z");

  @TempDir private Path directory;
  private final FailingCheckpoints checkpoints = new FailingCheckpoints();
  private final Owner owner = new Owner();
  private final Map<Long, Integer> expected = new TreeMap<>();
  private long elapsed;
  private long lines;
  private @Nullable NodeAgent agent;
  private Outbox outbox = new Outbox(1, List.of());

  /** A store that may refuse to be written. */
  private static final class FailingCheckpoints implements Checkpoints {
    private final InMemoryCheckpoints stored = new InMemoryCheckpoints();
    private boolean fails;

    @Override
    public void save(Consumer<Changes> changes) {
      if (fails) {
        throw BanLogException.permanent("no room on the disk");
      }
      stored.save(changes);
    }

    @Override
    public Map<String, byte[]> load() {
      return stored.load();
    }

    @Override
    public Optional<byte[]> load(String name) {
      return stored.load(name);
    }
  }

  /** Counts the hits of each number once, by their event times. */
  private static final class Owner {
    private final Map<String, Long> counted = new HashMap<>();
    private final Map<Long, Integer> times = new TreeMap<>();

    void take(String reporter, long number, ReportedHit hit) {
      if (number > counted.getOrDefault(reporter, 0L)) {
        counted.put(reporter, number);
        times.merge(hit.eventTimeMillis(), 1, Integer::sum);
      }
    }
  }

  /** Hits on their way, of which the owner gets as many as the test says. */
  private static final class Outbox implements HitOutbox {
    private final List<ReportedHit> hits;
    private long first;
    private boolean room = true;

    Outbox(long first, List<ReportedHit> kept) {
      this.first = first;
      hits = new ArrayList<>(kept);
    }

    @Override
    public long next() {
      return first + hits.size();
    }

    @Override
    public void add(List<ReportedHit> more) {
      hits.addAll(more);
    }

    @Override
    public boolean hasRoom() {
      return room;
    }

    @Override
    public long firstKept() {
      return first;
    }

    void deliver(String reporter, Owner to, int most) {
      long from = Math.max(first, to.counted.getOrDefault(reporter, 0L) + 1);
      for (long number = from; number < Math.min(next(), from + most); number++) {
        to.take(reporter, number, hits.get((int) (number - first)));
      }
    }

    void forget() {
      first = next();
      hits.clear();
    }
  }

  @AfterEach
  void end() {
    kill();
  }

  private static Config config(Path directory) {
    return new ConfigLoader()
        .parse(
            "agent.yaml",
            """
            sources:
              - { name: pods, file: pod-*.log, format: combined, reader: agent }
              - { name: other, file: other.log, format: combined }
            rules: [{ name: probing, match: { paths: ['^/\\.env'] }, threshold: 3 }]
            """
                .getBytes(StandardCharsets.UTF_8),
            directory)
        .orThrow();
  }

  /** Starts a process, as after a kill; returns the name of its hits. */
  private String start() throws IOException {
    AgentStore store = AgentStore.open(checkpoints);
    outbox = new Outbox(store.firstKept(), store.kept());
    String reporter = store.reporter();
    NodeAgent started =
        new NodeAgent(
            config(directory),
            store,
            outbox,
            new NodeAgent.Parts(
                ZoneOffset.UTC,
                InputStream.nullInputStream(),
                InstantSource.fixed(BEGIN.plusSeconds(3600)),
                () -> elapsed));
    started.begin();
    agent = started;
    return reporter;
  }

  private NodeAgent agent() {
    return Objects.requireNonNull(agent);
  }

  /** What only the process knew is gone. */
  private void kill() {
    if (agent != null) {
      agent.letGo();
      agent = null;
    }
  }

  private Path pod(int number) {
    return directory.resolve("pod-" + number + ".log");
  }

  /** Lines of a container, of which every second is a hit at a time of its own. */
  private void write(Path file, int count) throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < count; i++) {
      Instant time = BEGIN.plusMillis(++lines);
      boolean isHit = lines % 2 == 0;
      if (isHit) {
        expected.put(time.toEpochMilli(), 1);
      }
      text.append(
          "%s stdout F 203.0.113.%d - - [26/Nov/2026:10:00:00 +0000] \"GET %s HTTP/1.1\" 404 1 \"-\" \"-\"\n"
              .formatted(time, lines % 250, isHit ? "/.env" : "/"));
    }
    Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  private void awaitAll(String reporter) {
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> {
          elapsed += 2_000_000_000L;
          boolean ignored = agent().round();
          outbox.deliver(reporter, owner, Integer.MAX_VALUE);
          assertThat(owner.times).isEqualTo(expected);
        });
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void round_killedAtAnyMoment_everyHitIsCountedOnce(long seed) throws IOException {
    Random random = new Random(seed);
    for (int number = 0; number < 3; number++) {
      Path ignored = Files.createFile(pod(number));
    }
    String reporter = start();
    for (int step = 0; step < 300; step++) {
      Path file = pod(random.nextInt(3));
      switch (random.nextInt(12)) {
        case 0 -> {
          kill();
          assertThat(start()).isEqualTo(reporter);
        }
        case 1 -> {
          if (Files.exists(file)) {
            Path ignored = Files.move(file, directory.resolve(file.getFileName() + "." + step));
          }
        }
        case 2, 3, 4, 5 -> write(file, 1 + random.nextInt(20));
        case 6, 7 -> outbox.deliver(reporter, owner, random.nextInt(30));
        case 8 -> {
          // Another leads, who knows nothing.
          owner.counted.clear();
          owner.times.clear();
        }
        default -> {
          elapsed += random.nextInt(3) * 400_000_000L;
          boolean ignored = agent().round();
        }
      }
    }
    awaitAll(reporter);
    assertThat(expected).hasSizeGreaterThan(100);
    assertThat(agent().status().sources()).hasSize(1);
  }

  @Test
  void round_storeFails_nothingIsSentOrReadUntilItWorks() throws IOException {
    String reporter = start();
    checkpoints.fails = true;
    write(pod(1), 10);
    await()
        .atMost(PATIENCE)
        .until(() -> {
          elapsed += 2_000_000_000L;
          boolean ignored = agent().round();
          return !agent().status().storeProblem().isEmpty();
        });
    assertThat(agent().status().storeProblem()).contains("no room on the disk");
    assertThat(outbox.next()).isEqualTo(1);
    write(pod(1), 10);
    assertThat(agent().round()).isFalse();

    checkpoints.fails = false;
    awaitAll(reporter);
    assertThat(agent().status().storeProblem()).isEmpty();
  }

  @Test
  void round_noRoomForHits_linesWaitInTheirFiles() throws IOException {
    String reporter = start();
    write(pod(1), 10);
    awaitAll(reporter);
    outbox.room = false;
    assertThat(agent().round()).isFalse();
    assertThat(agent().status().full()).isTrue();
    write(pod(1), 10);
    long before = outbox.next();
    for (int i = 0; i < 10; i++) {
      elapsed += 2_000_000_000L;
      assertThat(agent().round()).isFalse();
    }
    assertThat(outbox.next()).isEqualTo(before);

    outbox.room = true;
    awaitAll(reporter);
  }

  @Test
  void round_hitsNeedNotBeKept_areForgottenAndNumbersGoOn() throws IOException {
    String reporter = start();
    write(pod(1), 10);
    awaitAll(reporter);
    assertThat(checkpoints.load().keySet()).anyMatch(name -> name.startsWith("hits/"));
    outbox.forget();
    elapsed += 2_000_000_000L;
    boolean ignored = agent().round();
    assertThat(checkpoints.load().keySet()).noneMatch(name -> name.startsWith("hits/"));

    kill();
    assertThat(start()).isEqualTo(reporter);
    assertThat(outbox.next()).isEqualTo(6);
    write(pod(1), 10);
    awaitAll(reporter);
  }

  @Test
  void open_damagedHits_goesOnUnderAnotherName() throws IOException {
    String before = start();
    write(pod(1), 10);
    awaitAll(before);
    kill();
    String row =
        checkpoints.load().keySet().stream()
            .filter(name -> name.startsWith("hits/"))
            .findFirst()
            .orElseThrow();
    checkpoints.save(Map.of(row, new byte[] {1, 2, 3}), Set.of());

    String now = start();

    assertThat(now).isNotEqualTo(before);
    assertThat(outbox.next()).isEqualTo(1);
    write(pod(1), 10);
    awaitAll(now);
  }
}
