package io.ipsentry.kubernetes.pods;

import com.fasterxml.jackson.core.JsonParser;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.ipsentry.kubernetes.api.Answers;
import io.ipsentry.kubernetes.api.Answers.Told;
import io.ipsentry.kubernetes.api.ApiRequests;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ClusterConnection;
import io.ipsentry.kubernetes.api.ReadingConnection;
import io.ipsentry.kubernetes.pods.PodReader.Pod;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@link PodLogs} of a real API server. One thread lists the pods and then watches them from that
 * version on; a watch that ends is taken up where it ended, and one that is too old (410) begins
 * with another listing. While the API server is away, what was known last holds, and it is asked
 * again after {@link #FIRST_PAUSE}, doubled up to {@link #LONGEST_PAUSE}, with jitter.
 */
public final class ClusterPodLogs implements PodLogs {
  static final Duration FIRST_PAUSE = Duration.ofMillis(250);
  static final Duration LONGEST_PAUSE = Duration.ofSeconds(15);

  /** The API server ends a watch after so long, so that a connection that is dead is noticed. */
  private static final Duration WATCH = Duration.ofMinutes(4);

  /** And if it does not, we do after so much more. */
  private static final Duration WATCH_GRACE = Duration.ofSeconds(30);

  private static final String PAGE = "200";
  private static final int MAX_DOUBLINGS = 6;
  private static final Duration MAX_CLOSE = Duration.ofSeconds(5);
  private static final ApiRequests.Kind PODS = new ApiRequests.Kind("api/v1", "pods");
  private static final Logger logger = LoggerFactory.getLogger(ClusterPodLogs.class);

  private final ReadingConnection connection;
  private final ApiRequests requests;
  private final String namespace;
  private final String selector;
  private final Optional<String> container;
  private final RandomGenerator random;
  private final Thread thread;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ending = lock.newCondition();

  // Confined to the thread.
  private final Map<String, Pod> pods = new HashMap<>();
  private boolean listed;

  private volatile Selected selected = new Selected(false, List.of(), "");
  private volatile Runnable wakeUp = () -> {};
  private volatile boolean closed;
  private @Nullable InputStream watched;

  private ClusterPodLogs(
      ReadingConnection connection,
      String namespace,
      String selector,
      Optional<String> container,
      RandomGenerator random) {
    this.connection = connection;
    this.requests = connection.requests();
    this.namespace = namespace;
    this.selector = selector;
    this.container = container;
    this.random = random;
    thread = Thread.ofVirtual().name("pods of " + namespace).unstarted(this::work);
  }

  /**
   * Begins to look for the pods.
   *
   * @param connection whose API server and credentials are used; stays the caller's to close
   * @param selector of labels
   * @param container of each pod; empty: all
   * @param random spreads the questions
   */
  public static ClusterPodLogs start(
      ClusterConnection connection,
      String namespace,
      String selector,
      Optional<String> container,
      RandomGenerator random) {
    ClusterPodLogs logs =
        new ClusterPodLogs(
            ReadingConnection.streams(connection, namespace),
            namespace,
            selector,
            container,
            random);
    logs.thread.start();
    return logs;
  }

  @Override
  public Selected selected() {
    return selected;
  }

  @Override
  public void onChange(Runnable call) {
    wakeUp = call;
    call.run();
  }

  // ---- which pods there are

  private void work() {
    String version = "";
    int failures = 0;
    while (!closed) {
      try {
        if (version.isEmpty()) {
          version = list();
          failures = 0;
        }
        long began = System.nanoTime();
        version = watch(version);
        // One that ends as soon as it begins is asked for at leisure.
        failures = System.nanoTime() - began < FIRST_PAUSE.toNanos() ? failures + 1 : 0;
      } catch (ApiServerException e) {
        if (e.reason() == Reason.GONE) {
          version = "";
        }
        failed(e);
        failures++;
      } catch (IOException e) {
        failed(new ApiServerException(Reason.UNAVAILABLE, "the watch of pods broke off", e));
        failures++;
      }
      if (!closed && failures > 0 && !rest(failures)) {
        return;
      }
    }
  }

  private String list() {
    List<Pod> found = new ArrayList<>();
    Answers.Page page = page("", found);
    String version = page.version();
    while (!page.next().isEmpty()) {
      page = page(page.next(), found);
    }
    pods.clear();
    found.forEach(pod -> pods.put(pod.name(), pod));
    listed = true;
    publish();
    return version;
  }

  private Answers.Page page(String next, List<Pod> found) {
    Map<String, String> query = new HashMap<>();
    query.put("labelSelector", selector);
    query.put("limit", PAGE);
    if (!next.isEmpty()) {
      query.put("continue", next);
    }
    return requests.ask(
        "list pods in " + namespace,
        PODS,
        "",
        query,
        answer -> Answers.page(answer, json -> found.add(PodReader.read(json))));
  }

  /** Returns the version to go on from. */
  private String watch(String from) throws IOException {
    String version = from;
    InputStream answer =
        requests.open(
            "watch pods in " + namespace,
            PODS,
            "",
            Map.of(
                "labelSelector",
                selector,
                "watch",
                "true",
                "allowWatchBookmarks",
                "true",
                "timeoutSeconds",
                String.valueOf(WATCH.toSeconds()),
                "resourceVersion",
                version));
    watching(answer);
    CompletableFuture<Void> tooLong =
        new CompletableFuture<Void>()
            .completeOnTimeout(null, WATCH.plus(WATCH_GRACE).toMillis(), TimeUnit.MILLISECONDS);
    var ignored = tooLong.thenRun(() -> watching(null));
    // It works again: what was told before it ended is no longer known to be wrong.
    publish();
    try (JsonParser json = Answers.parser(answer)) {
      Optional<Told<Pod>> told = Answers.next(json, PodReader::read);
      while (told.isPresent()) {
        switch (told.get()) {
          case Told.Happened<Pod>(var kind, Pod pod) -> {
            version = pod.version();
            switch (kind) {
              case ADDED, MODIFIED -> pods.put(pod.name(), pod);
              case DELETED -> pods.remove(pod.name());
            }
            publish();
          }
          case Told.Bookmark<Pod>(String at) -> version = at;
          case Told.Failed<Pod>(Answers.Failure failure) ->
              throw new ApiServerException(
                  failure.code() == HttpURLConnection.HTTP_GONE ? Reason.GONE : Reason.UNAVAILABLE,
                  "the watch of pods ended: " + failure.message(),
                  null);
        }
        told = Answers.next(json, PodReader::read);
      }
      return version;
    } catch (IOException e) {
      if (closed || tooLong.isDone()) {
        return version;
      }
      // What was seen is not lost by it: the next watch goes on behind it.
      logger.atDebug().setCause(e).addKeyValue("namespace", namespace).log("watch broke off");
      return version;
    } finally {
      tooLong.cancel(false);
      watching(null);
    }
  }

  /** Remembers the answer that {@link #close} has to end, and ends the one before. */
  private void watching(@Nullable InputStream answer) {
    InputStream before;
    lock.lock();
    try {
      before = watched;
      watched = closed ? null : answer;
    } finally {
      lock.unlock();
    }
    close(before);
    if (closed) {
      close(answer);
    }
  }

  private static void close(@Nullable InputStream answer) {
    if (answer == null) {
      return;
    }
    try {
      answer.close();
    } catch (IOException e) {
      logger.atDebug().setCause(e).log("an answer did not close cleanly");
    }
  }

  private void publish() {
    List<PodContainer> containers =
        pods.values().stream()
            .flatMap(pod -> pod.containers().stream())
            .filter(each -> container.isEmpty() || container.get().equals(each.name()))
            .toList();
    tell(new Selected(listed, containers, missing(containers)));
  }

  /** Pods without the container that is asked for are a mistake that nobody would notice. */
  private String missing(List<PodContainer> containers) {
    boolean reported = pods.values().stream().anyMatch(pod -> !pod.containers().isEmpty());
    return container.isPresent() && containers.isEmpty() && reported
        ? "no pod in "
            + namespace
            + " with "
            + selector
            + " has a container "
            + container.get()
            + "; check sources[].pods.container"
        : "";
  }

  private void failed(ApiServerException e) {
    if (closed) {
      return;
    }
    String message = String.valueOf(e.getMessage());
    String problem =
        e.reason() == Reason.FORBIDDEN
            ? message + "; the watcher needs get, list and watch on pods in " + namespace
            : message;
    Selected before = selected;
    if (!problem.equals(before.problem()) && e.reason() != Reason.GONE) {
      logger
          .atWarn()
          .addKeyValue("namespace", namespace)
          .addKeyValue("selector", selector)
          .addKeyValue("cause", problem)
          .log("pods cannot be watched; those known are read on");
    }
    tell(new Selected(before.listed(), before.containers(), problem));
  }

  private void tell(Selected now) {
    if (!now.equals(selected)) {
      selected = now;
      wakeUp.run();
    }
  }

  /** Whether it goes on. */
  private boolean rest(int failures) {
    long longest = FIRST_PAUSE.toNanos() << Math.min(failures - 1, MAX_DOUBLINGS);
    long pause = Math.min(longest, LONGEST_PAUSE.toNanos());
    long left = pause / 2 + random.nextLong(pause / 2 + 1);
    lock.lock();
    try {
      while (!closed && left > 0) {
        left = ending.awaitNanos(left);
      }
      return !closed;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }

  // ---- their logs

  @Override
  public InputStream open(PodContainer.Key of, Part part)
      throws PodLogException, InterruptedException {
    Map<String, String> query = new HashMap<>();
    query.put("container", of.container());
    query.put("timestamps", "true");
    query.put("follow", String.valueOf(part.follow()));
    query.put("previous", String.valueOf(part.previous()));
    part.since()
        .ifPresent(at -> query.put("sinceTime", at.truncatedTo(ChronoUnit.SECONDS).toString()));
    try {
      return requests.openRaw(
          "read the log of " + namespace + "/" + of, PODS, of.pod() + "/log", query, QUIET);
    } catch (ApiServerException e) {
      if (Thread.interrupted()) {
        throw new InterruptedException("while the log of " + of + " was asked for");
      }
      throw refused(e);
    }
  }

  private PodLogException refused(ApiServerException e) {
    String message = String.valueOf(e.getMessage());
    if (isQuiet(e)) {
      return new PodLogException(PodLogException.Reason.QUIET, message, e);
    }
    boolean isThere =
        !(e.getCause() instanceof KubernetesClientException told)
            || told.getCode() != HttpURLConnection.HTTP_NOT_FOUND
                && told.getCode() != HttpURLConnection.HTTP_BAD_REQUEST;
    if (!isThere) {
      return new PodLogException(PodLogException.Reason.NO_LOG, message, e);
    }
    return e.reason() == Reason.FORBIDDEN
        ? new PodLogException(
            PodLogException.Reason.FORBIDDEN,
            message + "; the watcher needs get on pods/log in " + namespace,
            e)
        : new PodLogException(PodLogException.Reason.UNAVAILABLE, message, e);
  }

  private static boolean isQuiet(Throwable e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof HttpTimeoutException
          && !(cause instanceof HttpConnectTimeoutException)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      ending.signalAll();
    } finally {
      lock.unlock();
    }
    watching(null);
    thread.interrupt();
    try {
      if (!thread.join(MAX_CLOSE)) {
        logger.atWarn().addKeyValue("namespace", namespace).log("the watch of pods does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    connection.close();
  }
}
