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
 * <p>Entries are taken from a listing of one moment, and then as a watch shows them, in its order
 * and from nowhere else. So an entry whose place was free only because that of another had been
 * compacted away, or deleted by somebody, is known for what it is: the watch has shown the floor,
 * or the other one, before it. What somebody deletes is put back ({@link LogPlaces}).
 *
 * <p>Has no thread of its own. Safe for any thread; {@link #follow} is for one at a time.
 */
final class LogReplica implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(LogReplica.class);

  /** Others may repair, and damage, at the same time. */
  private static final int MAX_REPAIRS = 4;

  /** Waits for the watch before the log is listed in its place. */
  static final int MAX_WAITS = 8;

  private final ConfigMaps api;
  private final LogNames names;
  private final LostManifest lost;
  private final LogMender mender;
  private final Pause pause;

  /** Guarded by this. */
  private final LogPlaces places = new LogPlaces();

  /** Guarded by this. */
  private final CommittedEntries entries = new CommittedEntries();

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
  private boolean manifestMissing;
  private @Nullable BanLogException broken;
  private boolean closed;

  /**
   * @param ids makes unique ids of 1 to 64 characters of {@code a-z 0-9 -}
   */
  LogReplica(ConfigMaps api, LogNames names, Supplier<String> ids, Pause pause) {
    this.api = api;
    this.names = names;
    this.lost = new LostManifest(api, names, ids);
    this.pause = pause;
    this.mender = new LogMender(api, names);
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
    return entries.first().map(LogEntry::first).orElse(head + 1);
  }

  /** Committed entries that hold events from a number on, in order. */
  synchronized List<LogEntry> entriesFrom(long seq) {
    return entries.from(seq);
  }

  /** The committed entry whose last event has a number; empty: there is none here. */
  synchronized Optional<LogEntry> entryEndingAt(long seq) {
    return entries.endingAt(seq);
  }

  /** Whether this very entry is one of the committed ones. */
  synchronized boolean holds(LogEntry entry) {
    return entries.holds(entry);
  }

  /** The entry at a place; empty: none is known, or no longer. */
  synchronized Optional<LogEntry> at(long index) {
    return places.get(index);
  }

  /** Waits until the entry of an index is known, or for a while. */
  synchronized void await(long index, Duration patience) {
    long end = System.nanoTime() + patience.toNanos();
    long left = patience.toMillis();
    while (tailIndex < index && !closed && left > 0) {
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw BanLogException.transientFailure("waiting for the ban log was interrupted", e);
      }
      left = (end - System.nanoTime()) / 1_000_000;
    }
  }

  /** What lies above the floor. */
  synchronized KubernetesBanLog.Backlog backlog() {
    return entries.backlog(manifest().floor());
  }

  /** Committed entries of indices below a bound, in order. */
  synchronized List<LogEntry> entriesBelow(long index) {
    return entries.below(index);
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
    checkNotBroken();
    long before = head();
    for (int attempt = 0; attempt < MAX_REPAIRS; attempt++) {
      ConfigMaps.Listing listing = api.list(names.followed());
      Optional<StoredConfigMap> stored =
          listing.items().stream().filter(map -> map.name().equals(names.manifest())).findFirst();
      Optional<Manifest> listed = stored.flatMap(LostManifest::readable);
      NavigableMap<Long, LogEntry> found = withKnown(listing, listed);
      if (listed.isPresent() && LogOrder.isWhole(listed.get(), found)) {
        take(before, listed.get(), found, listing.version());
        return;
      }
      if (!lost.repair(stored, listed, found)) {
        break;
      }
    }
    throw BanLogException.transientFailure(
        "entries of the ban log "
            + names.release()
            + " are missing, and no snapshot has them; somebody deleted them. A process that has"
            + " read them puts them back, or writes a snapshot soon");
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

  /** The entries of a listing, with those in their places that are known to belong there. */
  private synchronized NavigableMap<Long, LogEntry> withKnown(
      ConfigMaps.Listing listing, Optional<Manifest> listed) {
    TreeMap<Long, LogEntry> found = new TreeMap<>();
    TreeMap<Long, StoredConfigMap> maps = new TreeMap<>();
    for (StoredConfigMap map : listing.items()) {
      OptionalLong index = names.index(map.name());
      if (index.isPresent()) {
        found.put(index.getAsLong(), readEntry(map, index.getAsLong()));
        maps.put(index.getAsLong(), map);
      }
    }
    for (LogEntry entry : List.copyOf(found.values())) {
      entry.invalidBefore().ifPresent(before -> found.putIfAbsent(before.index(), before));
    }
    Manifest known = manifest;
    if (known == null || listed.isPresent() && !listed.get().log().equals(known.log())) {
      return found;
    }
    long floor = listed.map(Manifest::floor).orElse(known.floor());
    for (LogEntry entry : places.from(Math.max(floor, known.floor()))) {
      LogEntry there = found.get(entry.index());
      if (there == null) {
        if (entry.since() <= Long.parseLong(listing.version())) {
          goneFromItsPlace(entry, found);
        }
      } else if (places.compare(there) == LogPlaces.Other.LATER
          && maps.containsKey(entry.index())) {
        places.taken(entry.index(), maps.get(entry.index()));
        found.put(entry.index(), entry);
      } else if (places.compare(there) == LogPlaces.Other.EARLIER) {
        giveIn(entry.index());
      }
    }
    return found;
  }

  private void goneFromItsPlace(LogEntry entry, NavigableMap<Long, LogEntry> found) {
    if (entry.isValid()) {
      places.missing(entry);
      found.put(entry.index(), entry);
    } else if (entry.index() == tailIndex) {
      forgetFrom(entry.index());
    }
  }

  /**
   * What is known of a place is wrong: this process began to read while an entry was deleted that
   * others have put back since.
   */
  private void giveIn(long index) {
    if (entries.last().filter(last -> last.index() >= index).isPresent()) {
      throw broken(
          "somebody deleted "
              + names.entry(index)
              + " of the ban log, and this process read another in its place; restart, so that"
              + " everything is read anew");
    }
    forgetFrom(index);
  }

  /** Forgets entries from a place on, none of which counts yet. */
  private void forgetFrom(long index) {
    places.forgetFrom(index);
    unfinished.removeIf(entry -> entry.index() >= index);
    tailIndex = index - 1;
    tailIdentity = places.before(index).map(LogEntry::identity).orElseGet(() -> manifest().chain());
  }

  /** What is known is of no use any more: whoever asks from now on is told so. */
  private synchronized BanLogException broken(String why) {
    BanLogException known = broken;
    if (known == null) {
      known = BanLogException.permanent(why);
      broken = known;
    }
    return known;
  }

  /** Throws what {@link #broken} has made. */
  synchronized void checkNotBroken() {
    if (broken != null) {
      throw broken;
    }
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
      return LogEntry.invalid(index, map);
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
      throw broken(
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
      throw broken(
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
      entries.become(order.committed());
      unfinished.clear();
      unfinished.addAll(order.unfinished());
      tailIndex = order.index();
      tailIdentity = order.identity();
      head = order.head();
      places.become(usable.values());
      notifyAll();
    }
    confirmations++;
    listedVersion = version;
    ConfigMaps.Changes running = changes;
    if (running != null) {
      running.close();
      changes = null;
    }
  }

  // ---- what is asked for

  /**
   * Asks for the entry behind the last one known, and waits for the watch where there is one:
   * afterwards {@link #head} was the head at some time during this call.
   */
  void catchUp() {
    checkNotBroken();
    long last = tail().index();
    while (api.get(names.entry(last + 1)).isPresent()) {
      last++;
    }
    if (last > tail().index() && !awaitsShown(last)) {
      startOver();
    }
    Manifest now = currentManifest();
    if (now == null || now.floor() > tail().index() + 1) {
      startOver();
    }
    confirmed();
  }

  private synchronized void confirmed() {
    confirmations++;
  }

  /** Whether the watch shows an entry soon. */
  private boolean awaitsShown(long index) {
    for (int wait = 0; wait < MAX_WAITS && tail().index() < index; wait++) {
      if (!pause.awaitEntry(this, index)) {
        return false;
      }
    }
    return tail().index() >= index;
  }

  /** The manifest as it is; null: there is none. */
  @Nullable Manifest currentManifest() {
    return api.get(names.manifest()).map(LogReplica::readManifest).orElse(null);
  }

  /** Takes a manifest if it is newer than the known one. */
  synchronized void takeManifest(Manifest now) {
    Manifest known = manifest;
    if (known == null || now.floor() > known.floor()) {
      manifest = now;
    }
  }

  /**
   * Compresses some of the entries that a snapshot has in it: they stay for those who ask what was,
   * and that is seldom. A burst of 100,000 bans is 22 MiB of them, for an hour.
   */
  void compressCovered() {
    List<LogEntry> worthIt;
    synchronized (this) {
      worthIt = manifest == null ? List.of() : entries.worthCompressing(manifest.floor());
    }
    for (LogEntry entry : worthIt) {
      LogEntry compressed = entry.compressed();
      synchronized (this) {
        if (entries.replace(entry, compressed)) {
          places.replace(entry, compressed);
        }
      }
    }
  }

  private void take(LogEntry entry) {
    places.put(entry);
    LogOrder order = new LogOrder(tailIndex, tailIdentity, head, unfinished);
    order.add(entry);
    order.committed().forEach(entries::add);
    unfinished.clear();
    unfinished.addAll(order.unfinished());
    tailIndex = order.index();
    tailIdentity = order.identity();
    head = order.head();
    notifyAll();
  }

  // ---- from a watch

  /**
   * Takes what a watch shows, for a while; opens it where there is none.
   *
   * @throws ApiServerException when the watch ended; the next call opens another, or lists anew
   */
  void follow(Duration patience) {
    checkNotBroken();
    mender.mend(this);
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
    mender.mend(this);
    compressCovered();
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
      manifestMissing = deleted;
      return deleted || takeShown(readManifest(map));
    }
    OptionalLong index = names.index(map.name());
    if (index.isEmpty()) {
      return true;
    }
    return deleted ? forget(index.getAsLong()) : takeShown(readEntry(map, index.getAsLong()), map);
  }

  private boolean takeShown(Manifest now) {
    boolean fits = now.log().equals(manifest().log()) && now.floor() <= tailIndex + 1;
    if (fits) {
      takeManifest(now);
    }
    return fits;
  }

  private boolean takeShown(LogEntry entry, StoredConfigMap map) {
    long index = entry.index();
    if (index > tailIndex + 1) {
      // Garbage ahead of the tail waits for its turn.
      return !entry.isValid();
    }
    if (index == tailIndex + 1) {
      take(entry);
      return true;
    }
    if (index < manifest().floor()) {
      return true;
    }
    switch (places.compare(entry)) {
      case SAME -> places.isThere(index);
      case LATER -> places.taken(index, map);
      case EARLIER -> {
        giveIn(index);
        return false;
      }
    }
    return true;
  }

  /** Forgets entries of indices below a bound, which are deleted. */
  synchronized void forgetBelow(long index) {
    places.forgetBelow(index);
    LogEntry ignored = entries.forgetWhile(entry -> entry.index() < index);
  }

  /** Forgets entries that hold no event behind a number: nobody here reads them any more. */
  synchronized void forgetEvents(long upTo) {
    LogEntry last = entries.forgetWhile(entry -> entry.last() <= upTo);
    if (last != null) {
      places.forgetBelow(last.index() + 1);
    }
  }

  /** Takes in that an entry was deleted; false: what is known is to be read anew. */
  private boolean forget(long index) {
    if (index < manifest().floor()) {
      forgetBelow(index + 1);
      return true;
    }
    Optional<LogEntry> entry = places.get(index);
    entry.ifPresent(places::missing);
    if (entry.isPresent() && !entry.get().isValid() && index == tailIndex) {
      forgetFrom(index);
      return false;
    }
    return true;
  }

  /** What is to be mended in the store. */
  synchronized LogMender.Work work() {
    return new LogMender.Work(
        manifestMissing ? Optional.of(manifest()) : Optional.empty(),
        places.mendsFrom(manifest == null ? 0 : manifest.floor()));
  }

  /** The manifest needs no other try, unless it is seen to be missing again. */
  synchronized void triedManifest() {
    manifestMissing = false;
  }

  /** A place needs no other try, unless something is seen there again. */
  synchronized void tried(LogPlaces.Mend mend) {
    places.tried(mend);
  }

  /** Ends the watch; what is known stays. */
  @Override
  public synchronized void close() {
    closed = true;
    notifyAll();
    ConfigMaps.Changes running = changes;
    if (running != null) {
      running.close();
    }
  }
}
