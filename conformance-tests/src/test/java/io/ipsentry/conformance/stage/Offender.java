package io.ipsentry.conformance.stage;

import static org.awaitility.Awaitility.await;

import io.ipsentry.stage.Answer;
import io.ipsentry.stage.Stage;
import io.ipsentry.stage.StageNode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * One who attacks, node by node, until he is told to do something else. Whoever is exact stops by
 * himself after as many requests as a ban takes: of these none may be lost. Safe for any thread.
 */
final class Offender {
  static final int THRESHOLD = 3;

  private static final Duration PATIENCE = Duration.ofSeconds(2);
  private static final Duration PAUSE = Duration.ofMillis(300);
  private static final Duration REST = Duration.ofMillis(100);

  /** Of one who is dropped, and looks now and then whether he still is. */
  private static final Duration KNOCK = Duration.ofSeconds(3);

  /** What he is after, and so by which rule he is banned. */
  enum Way {
    REQUEST("/.env"),
    LINE("/.git/config"),
    LOGIN("/login"),
    /** For which there is a rule only while the rules are changed. */
    LATER("/.aws/credentials");

    private final String target;

    Way(String target) {
      this.target = target;
    }
  }

  private enum Mode {
    ATTACKS,
    /** Is dropped everywhere. */
    KNOCKS,
    RESTS,
    IS_GONE
  }

  private final Stage stage;
  private final String address;
  private final Way way;
  private final boolean isExact;
  private final int first;
  private final AtomicInteger sent = new AtomicInteger();
  private final AtomicInteger passed = new AtomicInteger();

  /** Requests that an authz-server has judged, as the gateway's line of each says. */
  private final AtomicInteger judged = new AtomicInteger();

  private final Queue<String> escapes = new ConcurrentLinkedQueue<>();
  private final Instant begun;
  private volatile Mode mode = Mode.ATTACKS;
  private volatile boolean isAsking;

  /**
   * Begins to attack.
   *
   * @param first number of the node that he asks first
   */
  static Offender begin(Stage stage, String address, Way way, boolean isExact, int first) {
    Offender begun = new Offender(stage, address, way, isExact, first);
    Thread ignored = Thread.ofVirtual().name("offender " + address).start(begun::run);
    return begun;
  }

  private Offender(Stage stage, String address, Way way, boolean isExact, int first) {
    this.stage = stage;
    this.address = address;
    this.way = way;
    this.isExact = isExact;
    this.first = first;
    begun = stage.clock().instant();
  }

  String address() {
    return address;
  }

  Instant begun() {
    return begun;
  }

  private void run() {
    int next = first;
    for (Mode now = mode; now != Mode.IS_GONE; now = mode) {
      boolean asks = now == Mode.KNOCKS || now == Mode.ATTACKS && !hasEnough();
      if (asks) {
        isAsking = true;
        // Looked at again: whoever waits for him to rest sees that he asks, or is seen here.
        if (mode == now) {
          ask(stage.nodes().get(next % stage.nodes().size()), now);
          next++;
        }
        isAsking = false;
      }
      Duration pause = now == Mode.KNOCKS ? KNOCK : asks ? PAUSE : REST;
      LockSupport.parkNanos(pause.toNanos());
    }
  }

  private boolean hasEnough() {
    return isExact && judged.get() >= THRESHOLD;
  }

  private void ask(StageNode node, Mode now) {
    sent.incrementAndGet();
    Optional<Answer> answer = stage.outside().get(address, node, way.target, Map.of(), PATIENCE);
    answer.ifPresent(given -> {
      passed.incrementAndGet();
      if (now == Mode.KNOCKS && mode == now) {
        escapes.add(
            "%s at %s: status %d at %s"
                .formatted(address, node.name(), given.status(), stage.clock().instant()));
      }
    });
  }

  /** A line of a gateway is about a request of his. */
  void line(String line) {
    if (line.contains("\"ip_sentry\":\"allowed\"") || line.contains("\"ip_sentry\":\"banned\"")) {
      judged.incrementAndGet();
    }
  }

  /** He is dropped everywhere: from now on no request of his may be answered. */
  void isDropped() {
    mode = Mode.KNOCKS;
  }

  /** He asks nothing any more, until he {@link #attack}s; his last request is over. */
  void rest() {
    mode = Mode.RESTS;
    await(address + " rests").atMost(Duration.ofMinutes(1)).until(() -> !isAsking);
  }

  /** He begins anew. */
  void attack() {
    judged.set(0);
    mode = Mode.ATTACKS;
  }

  /** The end. */
  void leave() {
    mode = Mode.IS_GONE;
  }

  /** Answers that he got while he was to be dropped; empty is what is right. */
  List<String> escapes() {
    return List.copyOf(escapes);
  }

  @Override
  public String toString() {
    return "%s (%s%s, %s: %d requests, %d answered, %d judged)"
        .formatted(
            address, way, isExact ? ", exact" : "", begun, sent.get(), passed.get(), judged.get());
  }
}
