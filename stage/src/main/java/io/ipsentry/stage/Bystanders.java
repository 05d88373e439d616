package io.ipsentry.stage;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Those who do nothing wrong, all the while: clients of both families who look at the shop, a
 * monitor, and a crawler that also follows links to what is there no more. Each asks one node after
 * the other. Safe for any thread.
 */
public final class Bystanders implements AutoCloseable {
  private static final int FORBIDDEN = 403;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Stage stage;
  private final Duration pause;
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicLong answered = new AtomicLong();
  private final Queue<String> wronged = new ConcurrentLinkedQueue<>();
  private volatile boolean isOver;

  private Bystanders(Stage stage, Duration pause) {
    this.stage = stage;
    this.pause = pause;
  }

  /**
   * Starts them.
   *
   * @param pause of each between two requests
   */
  public static Bystanders start(Stage stage, Duration pause) {
    Bystanders all = new Bystanders(stage, pause);
    all.go(Addresses.client(1), "/", "/shop/1");
    all.go(Addresses.client(2), "/shop/2", "/");
    all.go(Addresses.client6(1), "/", "/shop/3");
    all.go(Addresses.MONITOR, "/healthz");
    all.go(Addresses.MONITOR6, "/healthz");
    all.go(Addresses.CRAWLER, "/", "/shop/4", "/old/page", "/robots.txt");
    return all;
  }

  private void go(String address, String... targets) {
    threads.add(
        Thread.ofVirtual()
            .name("bystander " + address)
            .start(() -> {
              for (int i = 0; !isOver; i++) {
                ask(
                    address,
                    stage.nodes().get(i % stage.nodes().size()),
                    targets[i % targets.length]);
                LockSupport.parkNanos(pause.toNanos());
              }
            }));
  }

  private void ask(String address, StageNode node, String target) {
    Optional<Answer> answer = stage.outside().get(address, node, target, Map.of(), PATIENCE);
    if (answer.isPresent() && answer.get().status() != FORBIDDEN) {
      answered.incrementAndGet();
    } else if (!isOver) {
      wronged.add(
          address
              + " at "
              + node.name()
              + ": "
              + answer.map(given -> "status " + given.status()).orElse("no answer")
              + " at "
              + stage.clock().instant());
    }
  }

  /** Requests that were answered as they should be. */
  public long answered() {
    return answered.get();
  }

  /** Each refusal, and each request without an answer within 60 s; empty is what is right. */
  public List<String> wronged() {
    return List.copyOf(wronged);
  }

  /** Lets them go home. */
  @Override
  public void close() {
    isOver = true;
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }
}
