package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.kubernetes.pods.PodContainer;
import io.ipsentry.kubernetes.pods.PodLogException;
import io.ipsentry.kubernetes.pods.PodLogs;
import io.ipsentry.testing.kubelet.LogAnswer;
import io.ipsentry.testing.kubelet.RuntimeLog;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * {@link PodSource} over logs that break off anywhere; time for its pauses goes 50 times as fast.
 */
final class PodSourceTest {
  private static final Instant BEGIN = Instant.parse("2026-11-21T07:00:00Z");
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final int FASTER = 50;
  private static final DateTimeFormatter STAMP =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSSSSSX").withZone(ZoneOffset.UTC);

  private final Cluster cluster = new Cluster();
  private final Map<String, Integer> judged = new HashMap<>();
  private final List<String> order = new ArrayList<>();

  /** What is told when patience ends. */
  private String wanting = "";

  /** Containers and their logs, each answer of which may break off after some bytes. */
  private static final class Cluster implements PodLogs {
    private final Map<String, RuntimeLog> logs = new ConcurrentHashMap<>();
    private final Map<String, PodContainer> containers = new TreeMap<>();
    private volatile SplittableRandom random = new SplittableRandom(0);
    private volatile Selected selected = new Selected(false, List.of(), "");
    private volatile int mostBytes = Integer.MAX_VALUE;
    private volatile boolean away;

    RuntimeLog log(String pod) {
      return logs.computeIfAbsent(pod, RuntimeLog::named);
    }

    synchronized void report(String pod, int restarts, boolean running) {
      RuntimeLog ignored = log(pod);
      containers.put(pod, new PodContainer(pod, "u", "c", pod + "-" + restarts, restarts, running));
      selected = new Selected(true, List.copyOf(containers.values()), "");
    }

    synchronized void remove(String pod) {
      containers.remove(pod);
      logs.remove(pod);
      selected = new Selected(true, List.copyOf(containers.values()), "");
    }

    @Override
    public Selected selected() {
      return selected;
    }

    @Override
    public void onChange(Runnable wakeUp) {
      wakeUp.run();
    }

    @Override
    public InputStream open(PodContainer.Key container, Part part) throws PodLogException {
      RuntimeLog log = logs.get(container.pod());
      if (away) {
        throw new PodLogException(PodLogException.Reason.UNAVAILABLE, "away", null);
      }
      int limit;
      boolean fails;
      synchronized (this) {
        boolean breaks = mostBytes < Integer.MAX_VALUE && random.nextInt(3) == 0;
        limit = breaks ? random.nextInt(mostBytes) : Integer.MAX_VALUE;
        fails = random.nextBoolean();
      }
      if (log == null) {
        throw new PodLogException(PodLogException.Reason.NO_LOG, "no such pod", null);
      }
      AtomicBoolean closed = new AtomicBoolean();
      LogAnswer answer =
          log.answer(
                  part.previous(), part.follow(), part.since().orElse(Instant.EPOCH), closed::get)
              .orElseThrow(
                  () -> new PodLogException(PodLogException.Reason.NO_LOG, "no earlier", null));
      return new Breaking(
          answer,
          limit,
          fails,
          () -> {
            closed.set(true);
            log.wake();
          });
    }

    @Override
    public void close() {
      logs.values().forEach(RuntimeLog::wake);
    }
  }

  /** An answer that ends, or fails, after so many bytes. */
  private static final class Breaking extends InputStream {
    private final LogAnswer answer;
    private final boolean fails;
    private final Runnable onClose;
    private int left;
    private InputStream now = new ByteArrayInputStream(new byte[0]);

    Breaking(LogAnswer answer, int left, boolean fails, Runnable onClose) {
      this.answer = answer;
      this.left = left;
      this.fails = fails;
      this.onClose = onClose;
    }

    @Override
    public int read() {
      throw new UnsupportedOperationException("read in blocks");
    }

    @Override
    public int read(byte[] b, int from, int length) throws IOException {
      try {
        while (left > 0) {
          int n = now.read(b, from, Math.min(length, left));
          if (n > 0) {
            left -= n;
            return n;
          }
          byte[] next = answer.next();
          if (next.length == 0) {
            return -1;
          }
          answer.given();
          now = new ByteArrayInputStream(next);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return -1;
      }
      if (fails) {
        throw new IOException("broke off");
      }
      return -1;
    }

    @Override
    public void close() {
      onClose.run();
    }
  }

  private PodSource source() {
    return new PodSource(
        "gateway",
        cluster,
        BEGIN,
        stream ->
            (b, from, to, at) -> {
              String line = new String(b, from, to - from, StandardCharsets.UTF_8);
              String content = line.replaceFirst(" stdout F ", " ");
              assertThat(content).isNotEqualTo(line);
              Integer ignored = judged.merge(stream.label() + " " + content, 1, Integer::sum);
              order.add(line.substring(0, line.indexOf(' ')));
              return true;
            },
        InstantSource.system(),
        () -> System.nanoTime() * FASTER);
  }

  private void pollUntil(PodSource source, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      boolean more = source.poll(1 << 16);
      if (!more) {
        LockSupport.parkNanos(500_000);
      }
      assertThat(System.nanoTime())
          .as(() -> "patience: " + wanting + ", but judged " + judged.size())
          .isLessThan(end);
    }
  }

  /** Lines that were written and not judged, or more often than they were written. */
  private Map<String, Integer> difference(Map<String, Integer> written) {
    Map<String, Integer> difference = new TreeMap<>(written);
    judged.forEach((line, times) -> difference.merge(line, -times, Integer::sum));
    difference.values().removeIf(times -> times == 0);
    return difference;
  }

  private static int sum(Map<String, Integer> lines) {
    return lines.values().stream().mapToInt(Integer::intValue).sum();
  }

  private static String stamped(String pod, Instant at, String line) {
    return pod + "/c " + STAMP.format(at) + " " + line;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void poll_answersBreakOffAnywhereAndContainersRestart_eachLineOnce(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    cluster.random = random.split();
    cluster.mostBytes = 3_000;
    Map<String, Integer> written = new HashMap<>();
    Map<String, Instant> clocks = new HashMap<>();
    int[] restarts = new int[3];
    for (int pod = 0; pod < 3; pod++) {
      cluster.report("p" + pod, 0, true);
    }
    PodSource source = source();
    for (int each = 0; each < 25; each++) {
      int step = each;
      String pod = "p" + random.nextInt(3);
      int number = pod.charAt(1) - '0';
      for (int i = random.nextInt(30); i > 0; i--) {
        // Often within the same nanosecond, and the same line.
        Instant at =
            clocks.merge(
                pod,
                BEGIN.plusSeconds(1),
                (now, _) -> random.nextInt(3) == 0 ? now : now.plusMillis(random.nextInt(300)));
        String line = "line " + random.nextInt(3) + "x".repeat(random.nextInt(100));
        cluster.log(pod).write(at, line);
        Integer ignored = written.merge(stamped(pod, at, line), 1, Integer::sum);
      }
      if (random.nextInt(4) == 0) {
        // The kubelet keeps one container before: what the one before that said must be read.
        pollUntil(
            source,
            () -> {
              wanting = difference(written).toString();
              return wanting.equals("{}");
            });
        // No two containers write within the same nanosecond.
        for (int i = random.nextInt(8); i >= 0; i--) {
          Instant now = clocks.merge(pod, BEGIN, (before, _) -> before.plusMillis(1 + step * 40L));
          cluster.log(pod).write(now, "last words");
          written.merge(stamped(pod, now, "last words"), 1, Integer::sum);
        }
        cluster.log(pod).restart();
        restarts[number]++;
        if (random.nextBoolean()) {
          boolean ignored = source.poll(1 << 16);
        }
        cluster.report(pod, restarts[number], true);
      } else if (random.nextInt(3) == 0) {
        boolean ignored = source.poll(1 << 16);
      } else if (random.nextInt(5) == 0) {
        byte[] position = source.checkpoint();
        source.close();
        source = source();
        source.restore(position);
      }
    }
    cluster.mostBytes = Integer.MAX_VALUE;
    pollUntil(source, () -> sum(judged) >= sum(written));
    for (int pod = 0; pod < 3; pod++) {
      cluster.log("p" + pod).stop();
      cluster.report("p" + pod, restarts[pod], false);
    }
    PodSource last = source;
    pollUntil(last, () -> last.status().pods().orElseThrow().streams() == 0);
    assertThat(judged).as("seed %d", seed).isEqualTo(written);
    assertThat(last.status().pods().orElseThrow().gaps()).as("seed %d", seed).isZero();
    last.close();
  }

  @Test
  void poll_logWasRotatedWhileNobodyRead_saysThatLinesMayBeMissing() {
    cluster.report("p", 0, true);
    PodSource source = source();
    cluster.log("p").write(BEGIN.plusSeconds(1), "first");
    pollUntil(source, () -> sum(judged) == 1);
    byte[] position = source.checkpoint();
    source.close();
    cluster.log("p").write(BEGIN.plusSeconds(2), "never seen");
    cluster.log("p").rotate();
    cluster.log("p").write(BEGIN.plusSeconds(3), "third");

    PodSource second = source();
    second.restore(position);
    pollUntil(second, () -> sum(judged) == 2);
    pollUntil(second, () -> second.status().pods().orElseThrow().gaps() == 1);
    assertThat(judged.keySet()).allMatch(line -> !line.contains("never"));
    second.close();
  }

  @Test
  void poll_restartIsReportedAfterTheLogWasAskedFor_readsBothContainers() {
    cluster.report("p", 0, true);
    cluster.log("p").write(BEGIN.plusSeconds(1), "last words");
    cluster.log("p").restart();
    cluster.log("p").write(BEGIN.plusSeconds(9), "first words");
    PodSource source = source();
    pollUntil(source, () -> sum(judged) == 2);
    cluster.report("p", 1, true);
    cluster.log("p").write(BEGIN.plusSeconds(10), "more");
    pollUntil(source, () -> sum(judged) == 3);
    assertThat(order)
        .extracting(Instant::parse)
        .containsExactly(BEGIN.plusSeconds(1), BEGIN.plusSeconds(9), BEGIN.plusSeconds(10));
    source.close();
  }

  @Test
  void poll_takeover_readsFromTheBeginningThatIsGivenInTheOrderOfTime() {
    for (int i = 0; i < 300; i++) {
      String pod = "p" + i % 3;
      cluster.report(pod, 0, true);
      cluster.log(pod).write(BEGIN.minusSeconds(150).plusSeconds(i), "line " + i);
    }
    PodSource source = source();
    pollUntil(source, () -> sum(judged) == 150);
    List<Instant> times = order.stream().map(Instant::parse).toList();
    Instant latest = BEGIN;
    for (Instant time : times) {
      // Half of what windows count exactly, by which streams that begin wait for each other.
      assertThat(time).isAfterOrEqualTo(latest.minusSeconds(5));
      latest = time.isAfter(latest) ? time : latest;
    }
    assertThat(judged.keySet()).noneMatch(line -> line.endsWith(" line 149"));
    source.close();
  }

  @Test
  void poll_podGoesAndKubeletIsAway_isShownAndEnded() {
    cluster.away = true;
    cluster.report("p", 0, true);
    PodSource source = source();
    pollUntil(
        source,
        () ->
            source.status().streams().stream()
                .anyMatch(stream ->
                    stream.state() == StreamStatus.State.UNREADABLE
                        && stream.note().equals("away")));
    cluster.away = false;
    cluster.log("p").write(BEGIN.plusSeconds(1), "at last");
    pollUntil(source, () -> sum(judged) == 1);
    pollUntil(
        source,
        () ->
            source.status().pods().orElseThrow().each().stream()
                .anyMatch(each ->
                    each.container().startsWith("p/")
                        && each.lines() == 1
                        && each.reconnects() > 0));
    cluster.log("p").write(BEGIN.plusSeconds(2), "and gone");
    cluster.log("p").stop();
    cluster.report("p", 0, false);
    pollUntil(source, () -> sum(judged) == 2);
    pollUntil(source, () -> source.status().pods().orElseThrow().streams() == 0);
    cluster.remove("p");
    pollUntil(source, () -> source.status().streams().isEmpty());
    assertThat(source.status().pods().orElseThrow().gaps()).isZero();
    assertThat(source.status().pods().orElseThrow().each()).isEmpty();
    assertThat(source.status().lines()).isEqualTo(2);
    source.close();
  }

  @Test
  void poll_moreContainersThanAreRead_saysSo() {
    for (int i = 0; i < PodSource.MAX_STREAMS + 3; i++) {
      cluster.report("p" + i, 0, true);
      cluster.log("p" + i).stop();
    }
    PodSource source = source();
    pollUntil(source, () -> source.status().pods().orElseThrow().notRead() == 3);
    assertThat(source.status().problems()).singleElement().asString().contains("3 containers");
    cluster.remove("p0");
    pollUntil(source, () -> source.status().pods().orElseThrow().notRead() == 2);
    source.close();
  }

  @Test
  void restore_somethingElse_isRefused() {
    PodSource source = source();
    for (String bad :
        List.of(
            "",
            "[]",
            "{}",
            "{\"version\":2}",
            "{\"version\":1,\"containers\":[{\"pod\":\"p\",\"lines\":\"AAA=\"}]}")) {
      assertThatThrownBy(() -> source.restore(bad.getBytes(StandardCharsets.UTF_8)))
          .as(bad)
          .isInstanceOf(CheckpointException.class);
    }
    source.close();
  }
}
