package io.ipsentry.kubernetes.api;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The ConfigMaps of one namespace. All calls but {@link #watch} are answered from the API server's
 * store, never from a cache that may be behind.
 *
 * <p>Every call throws {@link ApiServerException}; after {@link
 * ApiServerException.Reason#UNAVAILABLE} a write may have been done, or may yet be done. Safe for
 * any thread.
 */
public interface ConfigMaps {
  /**
   * Creates one.
   *
   * @return as it is stored
   * @throws ApiServerException with {@code EXISTS} if there is one of that name
   */
  StoredConfigMap create(StoredConfigMap map);

  /** The one of a name; empty: there is none. */
  Optional<StoredConfigMap> get(String name);

  /**
   * Puts new content in place of a version.
   *
   * @param map its {@code version} is the one that it replaces
   * @throws ApiServerException with {@code CONFLICT} if that is no longer there, also if there is
   *     none of that name any more
   */
  StoredConfigMap replace(StoredConfigMap map);

  /** Deletes this very object, by its {@code uid}; nothing if it is gone. */
  void delete(StoredConfigMap map);

  /** All that are selected, of one moment. */
  default Listing list(Selector selector) {
    return list(selector, name -> true);
  }

  /**
   * Of those that are selected, of one moment, the ones whose names are wanted; others take no
   * memory, however large they are.
   */
  Listing list(Selector selector, Predicate<String> wanted);

  /**
   * What happens to those that are selected, in order, after a version.
   *
   * @param version of a listing or of an earlier change
   */
  Changes watch(Selector selector, String version);

  /**
   * Selects by labels.
   *
   * @param labels that an object must have
   * @param key of a further label
   * @param values of which it must have one there
   */
  record Selector(Map<String, String> labels, String key, Set<String> values) {
    public Selector {
      labels = Map.copyOf(labels);
      values = Set.copyOf(values);
    }

    /** Whether an object is selected. */
    public boolean matches(StoredConfigMap map) {
      return map.labels().entrySet().containsAll(labels.entrySet())
          && values.contains(map.labels().getOrDefault(key, ""));
    }
  }

  /**
   * What was selected at one moment.
   *
   * @param version of that moment, to watch from
   */
  record Listing(List<StoredConfigMap> items, String version) {
    public Listing {
      items = List.copyOf(items);
    }
  }

  /**
   * Something that happened.
   *
   * @param map as it is now, or was before it was deleted
   */
  record Change(Kind kind, StoredConfigMap map) {
    /** What. */
    public enum Kind {
      ADDED,
      MODIFIED,
      DELETED
    }
  }

  /** A running watch. For one thread, but {@link #close} is for any. */
  interface Changes extends AutoCloseable {
    /**
     * Waits for changes.
     *
     * @param patience how long, at most
     * @return in order; empty: none came in that time, or the watch was closed here
     * @throws ApiServerException when the watch has ended: {@code GONE}, if it cannot be taken up
     *     again at the last version seen, else {@code UNAVAILABLE}
     */
    List<Change> await(Duration patience);

    /** Version up to which everything was given out. */
    String version();

    /** Ends it; a second call does nothing. */
    @Override
    void close();
  }
}
