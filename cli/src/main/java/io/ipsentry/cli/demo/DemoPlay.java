package io.ipsentry.cli.demo;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * All clients at work, a virtual thread each, for a bounded time. A client that gets its answers
 * later than its rate demands asks as fast as it gets them.
 */
public final class DemoPlay implements AutoCloseable {
  private static final int WARM_UP_REQUESTS = 50;
  private static final Duration ANSWER_WITHIN = Duration.ofSeconds(5);

  private final DemoStage stage;
  private final Duration length;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(ANSWER_WITHIN)
          .build();
  private final List<DemoTrack> tracks;
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean stopped;

  private DemoPlay(DemoStage stage, List<DemoClient> clients, Duration length, int slots) {
    this.stage = stage;
    this.length = length;
    tracks = clients.stream().map(client -> new DemoTrack(client, slots, length)).toList();
  }

  /**
   * Begins.
   *
   * @param length of the play
   * @param slots of a track
   * @throws IOException if a gateway does not answer
   */
  public static DemoPlay start(
      DemoStage stage, List<DemoClient> clients, Duration length, int slots)
      throws IOException, InterruptedException {
    DemoPlay play = new DemoPlay(stage, clients, length, slots);
    play.warmUp();
    for (DemoTrack track : play.tracks) {
      play.threads.add(Thread.ofVirtual().name(track.client().name()).start(() -> play.ask(track)));
    }
    return play;
  }

  /** In the order of the clients. */
  public List<DemoTrack> tracks() {
    return tracks;
  }

  /** Waits until all have ended, at most so long. */
  public boolean awaitEnd(Duration atMost) throws InterruptedException {
    long end = System.nanoTime() + atMost.toNanos();
    for (Thread thread : threads) {
      long left = Math.max(TimeUnit.MILLISECONDS.toNanos(1), end - System.nanoTime());
      if (!thread.join(Duration.ofNanos(left))) {
        return false;
      }
    }
    return true;
  }

  /** What the first requests of a process cost beside an answer is not to be drawn. */
  private void warmUp() throws IOException, InterruptedException {
    for (DemoClient.Gateway gateway : DemoClient.Gateway.values()) {
      DemoClient visitor =
          new DemoClient("visitor", "192.0.2.1", "", gateway, "GET", List.of("/"), 1, false);
      for (int i = 0; i < WARM_UP_REQUESTS; i++) {
        http.send(request(visitor, i), BodyHandlers.discarding());
      }
    }
  }

  private void ask(DemoTrack track) {
    DemoClient client = track.client();
    long interval = Duration.ofSeconds(1).toNanos() / client.perSecond();
    long requests = length.toNanos() / interval;
    long begin = System.nanoTime();
    for (int i = 0; i < requests && !stopped; i++) {
      long wait = begin + i * interval - System.nanoTime();
      while (wait > 0 && !stopped) {
        LockSupport.parkNanos(wait);
        wait = begin + i * interval - System.nanoTime();
      }
      if (System.nanoTime() - begin > length.toNanos()) {
        return;
      }
      try {
        int status = http.send(request(client, i), BodyHandlers.discarding()).statusCode();
        track.answer(System.nanoTime() - begin, status);
      } catch (IOException e) {
        // No answer: it is told how many of them there were.
        track.failure();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private HttpRequest request(DemoClient client, int number) {
    String path = client.paths().get(number % client.paths().size());
    String forwarded =
        client.claims().isEmpty() ? client.address() : client.claims() + ", " + client.address();
    return HttpRequest.newBuilder(stage.uri(client.gateway(), path))
        .timeout(ANSWER_WITHIN)
        // What a load balancer does: it appends who asked it.
        .header("X-Forwarded-For", forwarded)
        .method(client.method(), BodyPublishers.noBody())
        .build();
  }

  /** Ends all clients. */
  @Override
  public void close() {
    stopped = true;
    threads.forEach(Thread::interrupt);
    http.shutdownNow();
  }
}
