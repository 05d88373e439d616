package io.ipsentry.kubernetes.log;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AppendChecks;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanHistory;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.Followers;
import io.ipsentry.banlog.SnapshotBytes;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.net.IpPrefix;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ban log in the ConfigMaps of a namespace.
 *
 * <p>A thread of its own follows the API server; events are read from memory, and the API server is
 * asked when somebody wants to know the head or reads beyond what is known. While it is away,
 * reading what is known goes on; an append waits for it, and ends only when it is known what came
 * of it or the log is closed. Safe for any thread.
 */
public final class KubernetesBanLog implements BanLog, BanHistory {
  private static final Logger logger = LoggerFactory.getLogger(KubernetesBanLog.class);

  /** Followers are woken by the watch; this is only lest one sleeps for ever. */
  private static final long POLL_MILLIS = 60_000;

  private static final Duration WATCH_PATIENCE = Duration.ofSeconds(1);
  private static final Duration ENTRY_PATIENCE = Duration.ofMillis(250);

  /**
   * The API server says about every minute how far a watch has come; one that is silent for longer
   * may hang on a connection that is none any more, and is taken up again.
   */
  private static final Duration SILENCE = Duration.ofSeconds(150);

  private final LogNames names;
  private final LogReplica replica;
  private final LogAppender appender;
  private final LogSnapshots snapshots;
  private final LogArchive archive;
  private final LogCompactor compactor;
  private final Followers followers = new Followers(POLL_MILLIS);
  private final Thread thread;
  private final Object closing = new Object();
  private volatile boolean closed;
  private volatile boolean following;
  private volatile long confirmedAt = System.nanoTime();
  private volatile @Nullable RuntimeException failure;

  /**
   * How a log is kept.
   *
   * @param grace how long what is compacted stays for those who are reading it
   * @param historyAge how long archives are kept
   * @param historyBytes most bytes of archives, compressed
   */
  public record Limits(Duration grace, Duration historyAge, long historyBytes) {
    /** An hour; 30 days or 32 MiB. */
    public static final Limits DEFAULT =
        new Limits(Duration.ofHours(1), Duration.ofDays(30), 32L * 1024 * 1024);
  }

  private KubernetesBanLog(
      ConfigMaps api, LogNames names, String writer, Limits limits, InstantSource clock) {
    Supplier<String> ids = () -> UUID.randomUUID().toString();
    this.names = names;
    Pause pause = new Waiting();
    replica = new LogReplica(api, names, ids, pause);
    appender = new LogAppender(api, names, replica, ids, writer, pause);
    snapshots = new LogSnapshots(api, names, replica);
    archive =
        new LogArchive(
            api, names, new LogArchive.Limits(limits.historyAge(), limits.historyBytes()), clock);
    compactor = new LogCompactor(api, names, replica, archive, limits.grace(), System::nanoTime);
    thread = Thread.ofVirtual().name("ban-log-watch").unstarted(this::run);
  }

  /**
   * Opens the log of a release; makes it if there is none.
   *
   * @param release full name of the release, a DNS label of at most 53 characters
   * @param writer name of this process, for people who look at the log
   * @throws BanLogException if it cannot be read; transient if the API server is away
   */
  public static KubernetesBanLog open(
      ConfigMaps api, String release, String writer, Limits limits, InstantSource clock) {
    KubernetesBanLog log = new KubernetesBanLog(api, new LogNames(release), writer, limits, clock);
    log.calling(() -> {
      log.replica.startOver();
      return true;
    });
    log.confirmedAt = System.nanoTime();
    log.following = true;
    log.thread.start();
    return log;
  }

  /**
   * Opens the log of a release for a process that only reads it and makes nothing, not even a log
   * that is not there: until there is one, a transient failure.
   *
   * @throws BanLogException as {@link #open}
   */
  public static KubernetesBanLog openToRead(ConfigMaps api, String release, InstantSource clock) {
    return open(
        new ReadOnlyConfigMaps(api, new LogNames(release)), release, "", Limits.DEFAULT, clock);
  }

  /**
   * How the log is followed.
   *
   * @param head number of the last event known
   * @param following whether a watch runs, as far as is known
   * @param confirmedNanos when the API server last said that this is the head, or went on: a
   *     listing, an event, the bookmark of a watch; by {@link System#nanoTime}
   * @param failure why following failed for good the last time it was tried; empty: it did not
   */
  public record Contact(
      long head, boolean following, long confirmedNanos, Optional<RuntimeException> failure) {}

  /** How the log is followed now. Asks nobody. */
  public Contact contact() {
    // Before the head, which may have moved since.
    long confirmed = confirmedAt;
    return new Contact(replica.head(), following, confirmed, Optional.ofNullable(failure));
  }

  /**
   * Lets go of events that nobody here will read any more; for a process that folds them and shows
   * no history. {@link #snapshot} may then fail, and a log opened anew gives it.
   *
   * @param seq number of the last of them
   */
  public void forgetUpTo(long seq) {
    replica.forgetEvents(seq);
  }

  private void run() {
    int failures = 0;
    long confirmations = replica.confirmations();
    while (!closed) {
      try {
        replica.follow(WATCH_PATIENCE);
        failures = 0;
        failure = null;
        following = true;
        if (System.nanoTime() - confirmedAt > SILENCE.toNanos()) {
          replica.distrustWatch();
        }
      } catch (RuntimeException e) { // whatever it is, following must go on
        failures++;
        following = false;
        failure = isForGood(e) ? e : null;
        // A watch ends now and then, and is taken up again.
        if (!closed && failures > 1) {
          logger
              .atWarn()
              .addKeyValue("release", names.release())
              .addKeyValue("attempt", failures)
              .addKeyValue("cause", e.getMessage())
              .log("the ban log cannot be followed; what is known stays in force");
        }
        boolean ignored = pause(failures);
      }
      if (confirmations != replica.confirmations()) {
        confirmations = replica.confirmations();
        confirmedAt = System.nanoTime();
      }
      followers.appended(replica.head());
    }
  }

  private static boolean isForGood(RuntimeException e) {
    return switch (e) {
      case BanLogException known -> !known.isTransient();
      case ApiServerException told ->
          told.reason() == Reason.FORBIDDEN || told.reason() == Reason.REFUSED;
      default -> true;
    };
  }

  /** Waits with jitter, so that the followers of a cluster do not all come back at once. */
  private boolean pause(int attempt) {
    long millis = Pause.length(attempt).toMillis();
    long deadline =
        System.nanoTime() + (millis / 2 + ThreadLocalRandom.current().nextLong(millis)) * 1_000_000;
    synchronized (closing) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      while (!closed && left > 0) {
        try {
          closing.wait(left);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return false;
        }
        left = (deadline - System.nanoTime()) / 1_000_000;
      }
    }
    return !closed;
  }

  private final class Waiting implements Pause {
    @Override
    public boolean await(int attempt) {
      return pause(attempt);
    }

    @Override
    public boolean awaitEntry(LogReplica of, long index) {
      of.await(index, ENTRY_PATIENCE);
      return !closed;
    }
  }

  private <T> T calling(Supplier<T> call) {
    if (closed) {
      throw BanLogException.permanent("the ban log is closed");
    }
    try {
      return call.get();
    } catch (ApiServerException e) {
      String message = "the ban log " + names.release() + ": " + e.getMessage();
      throw switch (e.reason()) {
        case UNAVAILABLE, CONFLICT, GONE, EXISTS, FULL ->
            BanLogException.transientFailure(message, e);
        case FORBIDDEN, REFUSED -> BanLogException.permanent(message, e);
      };
    }
  }

  @Override
  public AppendResult append(long expectedHead, List<BanEvent> events) {
    AppendChecks.check(expectedHead, events);
    AppendResult result = calling(() -> appender.append(expectedHead, events));
    followers.appended(replica.head());
    return result;
  }

  @Override
  public List<SequencedEvent> read(long from, int max) {
    AppendChecks.checkRead(from, max);
    return calling(() -> {
      if (from > replica.head()) {
        replica.catchUp();
        followers.appended(replica.head());
      }
      return replica.read(from, max);
    });
  }

  @Override
  public Subscription follow(long from, Sink sink) {
    return followers.follow((next, max) -> replica.read(next, max), from, sink);
  }

  @Override
  public String id() {
    return replica.manifest().log();
  }

  @Override
  public long head() {
    return calling(() -> {
      replica.catchUp();
      followers.appended(replica.head());
      return replica.head();
    });
  }

  @Override
  public long knownHead() {
    return replica.head();
  }

  @Override
  public Optional<ActiveBans> snapshot(Instant upTo, ActiveBans.Limits limits) {
    return calling(() -> snapshots.load(upTo, limits));
  }

  /**
   * What lies above the floor, as far as is known here.
   *
   * @param entries ConfigMaps
   * @param bytes of their events
   */
  public record Backlog(long entries, long bytes) {}

  /** What no snapshot has in it yet. Asks nothing. */
  public Backlog backlog() {
    return replica.backlog();
  }

  /**
   * Stores a snapshot and lets what it covers go, later.
   *
   * @param snapshot the state at the end of an append
   * @return whether it was stored; else there is a newer one, or it ends within an append
   * @throws BanLogException if the API server fails; the next call goes on
   */
  public boolean compact(SnapshotBytes snapshot) {
    return calling(() -> compactor.compact(snapshot));
  }

  /**
   * Archives and deletes what has been covered by a snapshot for long enough; to be called now and
   * then.
   *
   * @return ConfigMaps deleted
   * @throws BanLogException if the API server fails; the next call goes on
   */
  public int sweep() {
    return calling(compactor::sweep);
  }

  @Override
  public List<SequencedEvent> history(long before, int max) {
    AppendChecks.checkRead(1, max);
    return newestFirst(before, max, event -> true);
  }

  @Override
  public List<SequencedEvent> history(IpPrefix ip, long before, int max) {
    AppendChecks.checkRead(1, max);
    return newestFirst(
        before,
        max,
        event -> AppendChecks.prefixOf(event.event()).filter(ip::overlaps).isPresent());
  }

  @Override
  public Optional<BanEvent.Ban> lastBan(IpPrefix ip) {
    return newestFirst(
            FROM_NEWEST,
            1,
            event -> event.event() instanceof BanEvent.Ban ban && ban.ip().equals(ip))
        .stream()
        .map(found -> (BanEvent.Ban) found.event())
        .findFirst();
  }

  private List<SequencedEvent> newestFirst(long before, int max, Predicate<SequencedEvent> wanted) {
    return calling(() -> {
      List<SequencedEvent> found = new ArrayList<>();
      long firstKept = replica.firstKept();
      for (LogEntry entry : replica.entriesFrom(firstKept).reversed()) {
        if (entry.first() < before) {
          add(found, replica.events(entry).reversed(), before, max, wanted);
        }
      }
      if (found.size() < max && firstKept > 1) {
        for (List<SequencedEvent> batch : archive.newestFirst(Math.min(before, firstKept))) {
          add(found, batch, before, max, wanted);
        }
      }
      return found;
    });
  }

  private static void add(
      List<SequencedEvent> found,
      List<SequencedEvent> newestFirst,
      long before,
      int max,
      Predicate<SequencedEvent> wanted) {
    for (SequencedEvent event : newestFirst) {
      if (found.size() < max && event.seq() < before && wanted.test(event)) {
        found.add(event);
      }
    }
  }

  @Override
  public void close() {
    synchronized (closing) {
      closed = true;
      closing.notifyAll();
    }
    followers.close();
    replica.close();
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
