package io.ipsentry.kubernetes.log;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * An API server as far as ConfigMaps go, in memory: versions, conflicts, immutability, size limits,
 * watches that can be cut or be too old. Its clients fail as a network makes them fail: before the
 * request arrived, after it was done, or with the request landing much later.
 */
final class SimulatedApiServer {
  private final Schedule schedule;
  private final TreeMap<String, StoredConfigMap> maps = new TreeMap<>();
  private final List<Happened> happened = new ArrayList<>();
  private long revision = 100;
  private long uids;
  private long oldestWatched;
  private final Map<String, String> deletedBatches = new HashMap<>();
  private long overtaken;

  private record Happened(long revision, ConfigMaps.Change change) {}

  SimulatedApiServer(Schedule schedule) {
    this.schedule = schedule;
  }

  /** What the store holds; for judging a run. */
  Map<String, StoredConfigMap> maps() {
    return maps;
  }

  /** How often an entry was created where another had been deleted. */
  long overtaken() {
    return overtaken;
  }

  /** Forgets what happened so far: older watches are {@code GONE}. */
  void forgetChanges() {
    oldestWatched = revision;
    happened.clear();
  }

  private static ApiServerException failed(Reason reason, String what) {
    return new ApiServerException(reason, what, null);
  }

  StoredConfigMap create(StoredConfigMap map) {
    if (maps.containsKey(map.name())) {
      throw failed(Reason.EXISTS, map.name() + " exists");
    }
    checkSize(map);
    String deleted = deletedBatches.remove(map.name());
    if (deleted != null && !deleted.equals(map.text("batch"))) {
      overtaken++;
    }
    revision++;
    StoredConfigMap stored = map.stored("uid-" + uids++, Long.toString(revision));
    maps.put(map.name(), stored);
    happened.add(
        new Happened(revision, new ConfigMaps.Change(ConfigMaps.Change.Kind.ADDED, stored)));
    return stored;
  }

  StoredConfigMap replace(StoredConfigMap map) {
    StoredConfigMap known = maps.get(map.name());
    if (known == null || !known.version().equals(map.version())) {
      throw failed(Reason.CONFLICT, map.name() + " is another version");
    }
    if (known.immutable()) {
      throw failed(Reason.REFUSED, map.name() + " is immutable");
    }
    checkSize(map);
    revision++;
    StoredConfigMap stored = map.stored(known.uid(), Long.toString(revision));
    maps.put(map.name(), stored);
    happened.add(
        new Happened(revision, new ConfigMaps.Change(ConfigMaps.Change.Kind.MODIFIED, stored)));
    return stored;
  }

  void delete(StoredConfigMap map) {
    StoredConfigMap known = maps.get(map.name());
    if (known == null) {
      return;
    }
    if (!known.version().equals(map.version())) {
      throw failed(Reason.CONFLICT, map.name() + " is another version");
    }
    maps.remove(map.name());
    deletedBatches.put(map.name(), map.text("batch"));
    revision++;
    happened.add(
        new Happened(
            revision,
            new ConfigMaps.Change(
                ConfigMaps.Change.Kind.DELETED,
                known.stored(known.uid(), Long.toString(revision)))));
  }

  private static void checkSize(StoredConfigMap map) {
    if (map.size() > StoredConfigMap.MAX_BYTES) {
      throw failed(Reason.REFUSED, map.name() + " is too large");
    }
  }

  private ConfigMaps.Listing list(ConfigMaps.Selector selector) {
    return new ConfigMaps.Listing(
        maps.values().stream().filter(selector::matches).toList(), Long.toString(revision));
  }

  /** A client whose connection is good. */
  ConfigMaps reliable() {
    return new Client(new Faults(0, 0, 0, 0));
  }

  /** A client whose connection fails. */
  ConfigMaps faulty(Faults faults) {
    return new Client(faults);
  }

  /**
   * How often, in 1,000 calls.
   *
   * @param refused fail before anything was done
   * @param lost are done, and the answer is lost
   * @param late fail, and are done later
   * @param cut end a watch
   */
  record Faults(int refused, int lost, int late, int cut) {}

  private final class Client implements ConfigMaps {
    private final Faults faults;

    Client(Faults faults) {
      this.faults = faults;
    }

    private boolean happens(int perMille) {
      return perMille > 0 && schedule.random().nextInt(1_000) < perMille;
    }

    private void arrive() {
      schedule.pass();
      if (happens(faults.refused())) {
        throw failed(Reason.UNAVAILABLE, "no connection");
      }
    }

    private void answer() {
      schedule.pass();
      if (happens(faults.lost())) {
        throw failed(Reason.UNAVAILABLE, "the answer is lost");
      }
    }

    private void write(Runnable write) {
      arrive();
      if (happens(faults.late())) {
        Random random = schedule.random();
        int steps = random.nextBoolean() ? random.nextInt(10) : random.nextInt(800);
        schedule.later(
            steps,
            () -> {
              try {
                write.run();
              } catch (ApiServerException e) {
                // Nobody hears of it.
              }
            });
        throw failed(Reason.UNAVAILABLE, "timed out");
      }
      write.run();
      answer();
    }

    @Override
    public StoredConfigMap create(StoredConfigMap map) {
      StoredConfigMap[] stored = {map};
      write(() -> stored[0] = SimulatedApiServer.this.create(map));
      return stored[0];
    }

    @Override
    public Optional<StoredConfigMap> get(String name) {
      arrive();
      Optional<StoredConfigMap> found = Optional.ofNullable(maps.get(name));
      answer();
      return found;
    }

    @Override
    public StoredConfigMap replace(StoredConfigMap map) {
      StoredConfigMap[] stored = {map};
      write(() -> stored[0] = SimulatedApiServer.this.replace(map));
      return stored[0];
    }

    @Override
    public void delete(StoredConfigMap map) {
      write(() -> SimulatedApiServer.this.delete(map));
    }

    @Override
    public Listing list(Selector selector, Predicate<String> wanted) {
      arrive();
      Listing listing = SimulatedApiServer.this.list(selector);
      answer();
      return new Listing(
          listing.items().stream().filter(map -> wanted.test(map.name())).toList(),
          listing.version());
    }

    @Override
    public Changes watch(Selector selector, String version) {
      arrive();
      if (Long.parseLong(version) < oldestWatched) {
        throw failed(Reason.GONE, "too old");
      }
      return new Watch(selector, Long.parseLong(version));
    }

    private final class Watch implements Changes {
      private final Selector selector;
      private long at;
      private boolean closed;

      Watch(Selector selector, long at) {
        this.selector = selector;
        this.at = at;
      }

      @Override
      public List<Change> await(Duration patience) {
        schedule.pass();
        if (closed) {
          return List.of();
        }
        if (happens(faults.cut())) {
          throw failed(Reason.UNAVAILABLE, "the watch was cut");
        }
        if (at < oldestWatched) {
          throw failed(Reason.GONE, "too old");
        }
        List<Change> changes = new ArrayList<>();
        // A watch is behind now and then.
        int most = 1 + schedule.random().nextInt(8);
        for (Happened next : happened) {
          if (next.revision() > at && changes.size() < most) {
            at = next.revision();
            if (selector.matches(next.change().map())) {
              changes.add(next.change());
            }
          }
        }
        return changes;
      }

      @Override
      public String version() {
        return Long.toString(at);
      }

      @Override
      public void close() {
        closed = true;
      }
    }
  }
}
