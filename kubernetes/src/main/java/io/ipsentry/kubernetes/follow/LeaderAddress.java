package io.ipsentry.kubernetes.follow;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.ipsentry.kubernetes.api.ApiRequests;
import io.ipsentry.kubernetes.api.ApiServerException;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the watcher that leads is reached, by its Lease {@code R-watcher}, for a process that takes
 * no part in the election.
 *
 * <p>The Lease is asked for every 5 s, with jitter, and sooner when the leader that is known does
 * not answer: a watch would bring every renewal to every process. While the API server is away, the
 * last one known stays. Safe for any thread.
 */
public final class LeaderAddress implements AutoCloseable {
  /** Where the holder of the Lease says how it is reached. */
  public static final String ANNOTATION = "ip-sentry.io/address";

  private static final ApiRequests.Kind LEASES =
      new ApiRequests.Kind("apis/coordination.k8s.io/v1", "leases");

  private static final Duration INTERVAL = Duration.ofSeconds(5);
  private static final Duration SHORTEST = Duration.ofSeconds(1);
  private static final Duration MAX_CLOSE = Duration.ofSeconds(15);
  private static final JsonFactory JSON = new JsonFactory();
  private static final Logger logger = LoggerFactory.getLogger(LeaderAddress.class);

  private final ApiRequests requests;
  private final String name;
  private final RandomGenerator random;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition told = lock.newCondition();
  private final Thread thread;
  private volatile Optional<Holder> holder = Optional.empty();
  private volatile String problem = "";
  private boolean soon;
  private boolean closed;

  /**
   * Who leads.
   *
   * @param identity its name
   * @param address of its admin API, a host and a port; empty: it serves none to others
   */
  public record Holder(String identity, Optional<String> address) {}

  /**
   * @param release full name of the release
   * @param random spreads the questions
   */
  public LeaderAddress(ApiRequests requests, String release, RandomGenerator random) {
    this.requests = requests;
    this.name = release + "-watcher";
    this.random = random;
    thread = Thread.ofVirtual().name("leader-address").unstarted(this::work);
  }

  /** Begins to look; to be called once. */
  public LeaderAddress start() {
    thread.start();
    return this;
  }

  /** Who leads, as far as is known; empty: nobody, or it is not known. */
  public Optional<Holder> holder() {
    return holder;
  }

  /** Why the Lease cannot be read; empty: it can. */
  public String problem() {
    return problem;
  }

  /** Looks soon: the leader that is known does not answer, or does not lead any more. */
  public void lookSoon() {
    lock.lock();
    try {
      soon = true;
      told.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      told.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      if (!thread.join(MAX_CLOSE)) {
        logger.atWarn().log("the question who leads does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void work() {
    try {
      do {
        look();
      } while (rest());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void look() {
    try {
      Optional<Holder> found =
          requests
              .find("get the Lease " + name, LEASES, name, LeaderAddress::read)
              .filter(lease -> !lease.identity().isEmpty());
      problem = "";
      if (!found.equals(holder)) {
        holder = found;
        logger
            .atInfo()
            .addKeyValue("leader", found.map(Holder::identity).orElse("none"))
            .addKeyValue("address", found.flatMap(Holder::address).orElse(""))
            .log("the leader is another");
      }
    } catch (ApiServerException e) {
      String message = String.valueOf(e.getMessage());
      if (!message.equals(problem)) {
        logger
            .atWarn()
            .addKeyValue("cause", message)
            .log("who leads cannot be found out; the last leader known stays");
      }
      problem = message;
    }
  }

  /** Whether it goes on. */
  private boolean rest() throws InterruptedException {
    long shortest = SHORTEST.toNanos();
    long more = (long) (INTERVAL.toNanos() * (0.5 + random.nextDouble())) - shortest;
    lock.lock();
    try {
      soon = false;
      while (!closed && shortest > 0) {
        shortest = told.awaitNanos(shortest);
      }
      while (!closed && !soon && more > 0) {
        more = told.awaitNanos(more);
      }
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  /** Takes what people may have made of it, too: every field may be missing. */
  static Holder read(InputStream answer) throws IOException {
    Map<String, String> texts = new HashMap<>();
    try (JsonParser json = JSON.createParser(answer)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("the answer is no Lease");
      }
      texts(json, "", texts);
    }
    return new Holder(
        texts.getOrDefault("/spec/holderIdentity", ""),
        Optional.ofNullable(texts.get("/metadata/annotations/" + ANNOTATION)));
  }

  /** The simple values of the object whose beginning was read, by their paths. */
  private static void texts(JsonParser json, String path, Map<String, String> texts)
      throws IOException {
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String at = path + '/' + json.currentName();
      JsonToken value = json.nextToken();
      if (value == JsonToken.START_OBJECT) {
        texts(json, at, texts);
      } else if (value.isStructStart()) {
        json.skipChildren();
      } else if (value != JsonToken.VALUE_NULL) {
        texts.put(at, json.getText());
      }
    }
    if (json.currentToken() != JsonToken.END_OBJECT) {
      throw new IOException("the answer ends too early");
    }
  }
}
