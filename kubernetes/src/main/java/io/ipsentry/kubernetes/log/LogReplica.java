package io.ipsentry.kubernetes.log;

import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.CompactedException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.ConfigMaps.Change;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What this process knows of the log: the manifest, and the entries behind the snapshot.
 *
 * <p>Entries are taken in the order of their indices, from a listing of one moment, from a watch,
 * or asked for one by one. None below the floor is taken that was not there before: a writer may
 * have found an index free only because its entry was compacted away. A watch shows the floor
 * before such an entry; who asks for entries asks for the manifest afterwards.
 *
 * <p>Has no thread of its own. Safe for any thread; {@link #follow} is for one at a time.
 */
final class LogReplica implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(LogReplica.class);

  /** Others may repair, and damage, at the same time. */
  private static final int MAX_REPAIRS = 4;

  private final ConfigMaps api;
  private final LogNames names;
  private final Supplier<String> ids;

  /** Committed entries by the number of their first event. Guarded by this. */
  private final TreeMap<Long, LogEntry> entries = new TreeMap<>();

  /** Parts of a batch whose last part is not there yet. Guarded by this. */
  private final List<LogEntry> unfinished = new ArrayList<>();

  private @Nullable Manifest manifest;
  private long tailIndex;
  private String tailIdentity = "";
  private long head;
  private ConfigMaps.@Nullable Changes changes;
  private String listedVersion = "";

  /** Up to where the running watch had told last; empty: nothing yet. */
  private String watchedVersion = "";

  private long confirmations;
  private boolean closed;

  /**
   * @param ids makes unique ids of 1 to 64 characters of {@code a-z 0-9 -}
   */
  LogReplica(ConfigMaps api, LogNames names, Supplier<String> ids) {
    this.api = api;
    this.names = names;
    this.ids = ids;
  }

  // ---- what is known

  /** Number of the last event known. */
  synchronized long head() {
    return head;
  }

  /** Behind what the next batch is to be written, as far as is known. */
  synchronized LogEntry.Tail tail() {
    return new LogEntry.Tail(tailIndex, tailIdentity, head);
  }

  /** Grows whenever the API server has shown that what is known is all there is, or was. */
  synchronized long confirmations() {
    return confirmations;
  }

  /** The manifest, as far as is known. */
  synchronized Manifest manifest() {
    Manifest known = manifest;
    if (known == null) {
      throw BanLogException.transientFailure(
          "the ban log " + names.release() + " was not read yet");
    }
    return known;
  }

  /** Number of the first event from which all are known. */
  synchronized long firstKept() {
    return entries.isEmpty() ? head + 1 : entries.firstKey();
  }

  /** Committed entries that hold events from a number on, in order. */
  synchronized List<LogEntry> entriesFrom(long seq) {
    Long start = entries.floorKey(seq);
    NavigableMap<Long, LogEntry> from = start == null ? entries : entries.tailMap(start, true);
    return List.copyOf(from.values());
  }

  /** The committed entry whose last event has a number; empty: there is none here. */
  synchronized Optional<LogEntry> entryEndingAt(long seq) {
    return Optional.ofNullable(entries.floorEntry(seq))
        .map(Map.Entry::getValue)
        .filter(entry -> entry.last() == seq);
  }

  /** Whether this very entry is one of the committed ones. */
  synchronized boolean holds(LogEntry entry) {
    LogEntry known = entries.get(entry.first());
    return known != null
        && known.index() == entry.index()
        && known.identity().equals(entry.identity());
  }

  /** Committed entries of indices below a bound, in order. */
  synchronized List<LogEntry> entriesBelow(long index) {
    return entries.values().stream().filter(entry -> entry.index() < index).toList();
  }

  /**
   * Events in order.
   *
   * @throws CompactedException if they begin before what is kept
   */
  List<SequencedEvent> read(long from, int max) {
    List<LogEntry> wanted = new ArrayList<>();
    synchronized (this) {
      if (from > head) {
        return List.of();
      }
      if (from < firstKept()) {
        throw new CompactedException(firstKept());
      }
      long events = 0;
      for (LogEntry entry : entriesFrom(from)) {
        if (events < max) {
          wanted.add(entry);
          events += entry.last() - Math.max(entry.first(), from) + 1;
        }
      }
    }
    List<SequencedEvent> read = new ArrayList<>();
    for (LogEntry entry : wanted) {
      for (SequencedEvent event : events(entry)) {
        if (event.seq() >= from && read.size() < max) {
          read.add(event);
        }
      }
    }
    return read;
  }

  /** Events of an entry; permanent failure if they cannot be read. */
  List<SequencedEvent> events(LogEntry entry) {
    try {
      return entry.events();
    } catch (LogEntry.InvalidException e) {
      throw BanLogException.permanent(
          "the ban log cannot be read: "
              + e.getMessage()
              + "; update ip-sentry if a newer one wrote it",
          e);
    }
  }

  // ---- from a listing

  /**
   * Reads the log anew, of one moment; makes it if there is none.
   *
   * @throws ApiServerException if it cannot be listed or made
   * @throws BanLogException if what is there is no whole log, or no longer the log that was known
   */
  void startOver() {
    long before = head();
    for (int attempt = 0; attempt < MAX_REPAIRS; attempt++) {
      ConfigMaps.Listing listing = api.list(names.followed());
      NavigableMap<Long, LogEntry> found = entriesOf(listing.items());
      Optional<StoredConfigMap> stored =
          listing.items().stream().filter(map -> map.name().equals(names.manifest())).findFirst();
      Optional<Manifest> listed = stored.flatMap(LogReplica::readable);
      if (listed.isPresent() && LogOrder.isWhole(listed.get(), found)) {
        take(before, listed.get(), found, listing.version());
        return;
      }
      if (!repair(stored, listed, found)) {
        break;
      }
    }
    throw BanLogException.transientFailure(
        "entries of the ban log "
            + names.release()
            + " are missing, and no snapshot has them; somebody deleted them. A process that has"
            + " read them writes a snapshot soon");
  }

  /**
   * Makes the manifest anew from what is there: it is missing or damaged, or a writer of long ago
   * has put an old one in its place after somebody had deleted it.
   *
   * @return whether there is hope that the log is whole now
   */
  private boolean repair(
      Optional<StoredConfigMap> stored,
      Optional<Manifest> listed,
      NavigableMap<Long, LogEntry> found) {
    Manifest made = new LostManifest(api, names, ids).find(found);
    boolean better =
        listed.isEmpty()
            || made.floor() > listed.get().floor()
            || !made.log().equals(listed.get().log());
    if (!better) {
      return false;
    }
    try {
      StoredConfigMap ignored =
          stored.isEmpty()
              ? api.create(made.toConfigMap(names))
              : api.replace(stored.get().withData(made.data()));
    } catch (ApiServerException e) {
      if (e.reason() != Reason.EXISTS && e.reason() != Reason.CONFLICT) {
        throw e;
      }
    }
    return true;
  }

  private static Optional<Manifest> readable(StoredConfigMap map) {
    try {
      return Optional.of(Manifest.read(map));
    } catch (LogEntry.InvalidException e) {
      logger
          .atError()
          .addKeyValue("cause", e.getMessage())
          .log("the manifest of the ban log is damaged; it is made anew");
      return Optional.empty();
    }
  }

  static Manifest readManifest(StoredConfigMap map) {
    try {
      return Manifest.read(map);
    } catch (LogEntry.InvalidException e) {
      throw BanLogException.permanent(
          "the manifest of the ban log is damaged: "
              + e.getMessage()
              + "; delete the ConfigMap "
              + map.name()
              + ", and it is made anew from the newest snapshot",
          e);
    }
  }

  private NavigableMap<Long, LogEntry> entriesOf(List<StoredConfigMap> items) {
    TreeMap<Long, LogEntry> found = new TreeMap<>();
    for (StoredConfigMap map : items) {
      OptionalLong index = names.index(map.name());
      if (index.isPresent()) {
        found.put(index.getAsLong(), readEntry(map, index.getAsLong()));
      }
    }
    return found;
  }

  private LogEntry readEntry(StoredConfigMap map, long index) {
    try {
      return LogEntry.read(map, names);
    } catch (LogEntry.InvalidException e) {
      logger
          .atError()
          .addKeyValue("configMap", map.name())
          .addKeyValue("cause", e.getMessage())
          .log("not an entry of the ban log; it counts for nothing");
      return LogEntry.invalid(index, map.uid());
    }
  }

  /**
   * Whether what is listed goes on where what is known ends. By the entries first: the id of a log
   * without events is another one after its manifest was deleted.
   */
  private boolean isSameLog(Manifest listed, NavigableMap<Long, LogEntry> found) {
    Manifest known = manifest;
    LogEntry tail = found.get(tailIndex);
    return known == null
        || tailIndex == 0
        || known.log().equals(listed.log())
        || tail != null && tail.identity().equals(tailIdentity);
  }

  /**
   * @param before head that was known before the listing was asked for
   */
  private synchronized void take(
      long before, Manifest listed, NavigableMap<Long, LogEntry> found, String version) {
    if (!isSameLog(listed, found)) {
      throw BanLogException.permanent(
          "the ban log "
              + names.release()
              + " was replaced by another one; restart, so that everything is read anew");
    }
    NavigableMap<Long, LogEntry> usable = LogOrder.usable(listed, found);
    LogOrder order = LogOrder.beginning(listed, usable);
    for (LogEntry entry : usable.values()) {
      order.add(entry);
    }
    if (order.head() < before) {
      throw BanLogException.permanent(
          "the ban log "
              + names.release()
              + " ends at event "
              + order.head()
              + " and had "
              + before
              + " already: an old copy was put in its place, or entries were deleted; restart, so"
              + " that everything is read anew");
    }
    // Others may have gone on from an earlier listing while this one was under way.
    if (order.index() >= tailIndex) {
      manifest = listed;
      entries.clear();
      order.committed().forEach(entry -> entries.put(entry.first(), entry));
      unfinished.clear();
      unfinished.addAll(order.unfinished());
      tailIndex = order.index();
      tailIdentity = order.identity();
      head = order.head();
    }
    confirmations++;
    listedVersion = version;
    ConfigMaps.Changes running = changes;
    if (running != null) {
      running.close();
      changes = null;
    }
  }

  // ---- one by one

  /**
   * Asks for the entries behind the last one known, until there is none: afterwards {@link #head}
   * was the head at some time during this call.
   */
  void catchUp() {
    long next = tail().index() + 1;
    List<LogEntry> found = new ArrayList<>();
    Optional<StoredConfigMap> map = api.get(names.entry(next));
    while (map.isPresent()) {
      found.add(readEntry(map.get(), next));
      next++;
      map = api.get(names.entry(next));
    }
    Manifest now = currentManifest();
    if (now == null || now.floor() > tail().index() + 1) {
      startOver();
    } else {
      takeAll(now, found);
    }
  }

  /** The manifest as it is; null: there is none. */
  @Nullable Manifest currentManifest() {
    return api.get(names.manifest()).map(LogReplica::readManifest).orElse(null);
  }

  /** Takes entries that were read one by one, or written, and are known to be above the floor. */
  synchronized void takeAll(Manifest now, List<LogEntry> found) {
    confirmations++;
    takeManifest(now);
    for (LogEntry entry : found) {
      if (entry.index() == tailIndex + 1) {
        take(entry);
      }
    }
  }

  private void takeManifest(Manifest now) {
    Manifest known = manifest;
    if (known == null || now.floor() > known.floor()) {
      manifest = now;
    }
  }

  private void take(LogEntry entry) {
    LogOrder order = new LogOrder(tailIndex, tailIdentity, head, unfinished);
    order.add(entry);
    order.committed().forEach(committed -> entries.put(committed.first(), committed));
    unfinished.clear();
    unfinished.addAll(order.unfinished());
    tailIndex = order.index();
    tailIdentity = order.identity();
    head = order.head();
  }

  // ---- from a watch

  /**
   * Takes what a watch shows, for a while; opens it where there is none.
   *
   * @throws ApiServerException when the watch ended; the next call opens another, or lists anew
   */
  void follow(Duration patience) {
    ConfigMaps.Changes running = watch();
    if (running == null) {
      return;
    }
    boolean whole = true;
    try {
      for (Change change : running.await(patience)) {
        whole = whole && take(change);
      }
      told(running.version());
    } catch (ApiServerException e) {
      reopen(running, e.reason() == Reason.GONE);
      throw e;
    }
    if (!whole) {
      logger.atWarn().addKeyValue("head", head()).log("the watch has a gap: the log is read anew");
      reopen(running, true);
    }
  }

  /** The running watch, opened where there is none; null: closed. */
  private ConfigMaps.@Nullable Changes watch() {
    String version;
    synchronized (this) {
      if (closed || changes != null) {
        return closed ? null : changes;
      }
      version = listedVersion;
    }
    if (version.isEmpty()) {
      startOver();
      version = listedVersion();
    }
    ConfigMaps.Changes opened = watch(version);
    synchronized (this) {
      if (closed) {
        opened.close();
        return null;
      }
      changes = opened;
      watchedVersion = version;
      confirmations++;
    }
    return opened;
  }

  private ConfigMaps.Changes watch(String version) {
    try {
      return api.watch(names.followed(), version);
    } catch (ApiServerException e) {
      if (e.reason() == Reason.GONE) {
        listAnew(version);
      }
      throw e;
    }
  }

  private synchronized String listedVersion() {
    return listedVersion;
  }

  /** A watch cannot begin at a version: the next one begins with a listing. */
  private synchronized void listAnew(String version) {
    if (listedVersion.equals(version)) {
      listedVersion = "";
    }
  }

  /** A watch without news tells now and then how far it has come: that is a confirmation too. */
  private synchronized void told(String version) {
    if (!version.equals(watchedVersion)) {
      watchedVersion = version;
      confirmations++;
    }
  }

  /** Ends a watch that says nothing any more; the next {@link #follow} takes it up again. */
  synchronized void distrustWatch() {
    ConfigMaps.Changes silent = changes;
    if (silent != null) {
      reopen(silent, false);
    }
  }

  private synchronized void reopen(ConfigMaps.Changes ended, boolean anew) {
    ended.close();
    if (ended.equals(changes)) {
      changes = null;
      listedVersion = anew ? "" : ended.version();
    }
  }

  /** Whether it fits to what is known; else something was missed. */
  private synchronized boolean take(Change change) {
    StoredConfigMap map = change.map();
    boolean deleted = change.kind() == Change.Kind.DELETED;
    if (map.name().equals(names.manifest())) {
      if (deleted) {
        logger.atWarn().log("the manifest of the ban log was deleted; it is made anew");
        return true;
      }
      Manifest now = readManifest(map);
      boolean fits = now.log().equals(manifest().log()) && now.floor() <= tailIndex + 1;
      if (fits) {
        takeManifest(now);
      }
      return fits;
    }
    OptionalLong index = names.index(map.name());
    if (index.isEmpty()) {
      return true;
    }
    if (deleted) {
      forget(index.getAsLong());
      return true;
    }
    if (index.getAsLong() <= tailIndex) {
      return true;
    }
    LogEntry entry = readEntry(map, index.getAsLong());
    if (index.getAsLong() > tailIndex + 1) {
      // Garbage ahead of the tail waits for its turn.
      return !entry.isValid();
    }
    take(entry);
    return true;
  }

  /** Forgets entries of indices below a bound, which are deleted. */
  synchronized void forgetBelow(long index) {
    while (!entries.isEmpty() && entries.firstEntry().getValue().index() < index) {
      entries.pollFirstEntry();
    }
  }

  /** Forgets entries that hold no event behind a number: nobody here reads them any more. */
  synchronized void forgetEvents(long upTo) {
    while (!entries.isEmpty() && entries.firstEntry().getValue().last() <= upTo) {
      entries.pollFirstEntry();
    }
  }

  private void forget(long index) {
    if (index < manifest().floor()) {
      forgetBelow(index + 1);
    } else if (index <= tailIndex) {
      logger
          .atError()
          .addKeyValue("configMap", names.entry(index))
          .log("an entry of the ban log was deleted that no snapshot has; it is kept in memory");
    }
  }

  /** Ends the watch; what is known stays. */
  @Override
  public synchronized void close() {
    closed = true;
    ConfigMaps.Changes running = changes;
    if (running != null) {
      running.close();
    }
  }
}
