package io.ipsentry.kubernetes.blocklist;

import io.ipsentry.kubernetes.blocklist.BlocklistStoreException.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The ConfigMap of a blocklist as an API server keeps it: versions that grow over all objects,
 * writes that name the version they replace, watches that tell every change. Told at once, on the
 * thread that writes. Confined to one thread.
 */
final class SimulatedBlocklist implements BlocklistStore {
  private final List<Watching> watches = new ArrayList<>();
  private final List<Watcher> watchers = new ArrayList<>();
  private final Map<String, String> notes = new TreeMap<>();
  private final List<Found> versions = new ArrayList<>();
  private @Nullable Found current;
  private long version = 100;
  private long oldest;
  private int uid;
  private boolean loseReply;
  private boolean away;
  private Runnable beforeWrite = () -> {};
  private long bytesWritten;

  // ---- what people do

  /** Somebody replaces the document, as a merge patch of that key does; creates it if need be. */
  void write(String by, String document) {
    Map<String, String> data = new HashMap<>(current == null ? Map.of() : current.data());
    data.put(DOCUMENT, document);
    put(data, by);
  }

  void delete() {
    current = null;
    version++;
    List.copyOf(watchers).forEach(Watcher::deleted);
  }

  void dropWatches() {
    List<Watcher> dropped = List.copyOf(watchers);
    watchers.clear();
    dropped.forEach(Watcher::ended);
  }

  /** The next write is done, but its answer is lost. */
  void loseNextReply() {
    loseReply = true;
  }

  /** A watch may begin at the version before this one, and not earlier. */
  void forgetBelow(String version) {
    oldest = Long.parseLong(version) - 1;
  }

  void setAway(boolean isAway) {
    away = isAway;
  }

  /** Something that happens between a decision to write and the next write. */
  void beforeNextWrite(Runnable action) {
    beforeWrite = action;
  }

  Found current() {
    return get().orElseThrow();
  }

  String document() {
    return current().document();
  }

  Map<String, String> notes() {
    return notes;
  }

  List<Found> versions() {
    return versions;
  }

  long bytesWritten() {
    return bytesWritten;
  }

  // ---- the port

  @Override
  public Optional<Found> get() {
    check();
    return Optional.ofNullable(current);
  }

  @Override
  public Found create(Map<String, String> data) {
    check();
    before();
    if (current != null) {
      throw new BlocklistStoreException(Kind.CONFLICT, "it is there", null);
    }
    return answer(put(data, ""));
  }

  @Override
  public Found update(Found found, Map<String, @Nullable String> data) {
    check();
    before();
    Found now = current;
    if (now == null || !now.version().equals(found.version()) || !now.uid().equals(found.uid())) {
      throw new BlocklistStoreException(Kind.CONFLICT, "it is another", null);
    }
    Map<String, String> merged = new HashMap<>(now.data());
    data.forEach((key, text) -> {
      if (text == null) {
        merged.remove(key);
      } else {
        merged.put(key, text);
        bytesWritten += text.length();
      }
    });
    return answer(put(merged, ""));
  }

  private void before() {
    Runnable action = beforeWrite;
    beforeWrite = () -> {};
    action.run();
  }

  private Found put(Map<String, String> data, String by) {
    uid += current == null ? 1 : 0;
    Found next = new Found("uid-" + uid, Long.toString(++version), data, by);
    current = next;
    versions.add(next);
    List.copyOf(watchers).forEach(watcher -> watcher.changed(next));
    return next;
  }

  private Found answer(Found found) {
    if (loseReply) {
      loseReply = false;
      throw new BlocklistStoreException(Kind.UNAVAILABLE, "no answer", null);
    }
    return found;
  }

  private void check() {
    if (away) {
      throw new BlocklistStoreException(Kind.UNAVAILABLE, "away", null);
    }
  }

  @Override
  public Watching watch(String from, Watcher watcher) {
    check();
    if (Long.parseLong(from) < oldest) {
      watcher.ended();
      return () -> {};
    }
    versions.stream()
        .filter(found -> Long.parseLong(found.version()) > Long.parseLong(from))
        .forEach(watcher::changed);
    watchers.add(watcher);
    Watching watching = () -> watchers.remove(watcher);
    watches.add(watching);
    return watching;
  }

  @Override
  public void tell(Found found, String text) {
    check();
    notes.putIfAbsent(found.version(), text);
  }
}
