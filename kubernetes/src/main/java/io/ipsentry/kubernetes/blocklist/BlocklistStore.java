package io.ipsentry.kubernetes.blocklist;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The one ConfigMap of the blocklist. Every call throws {@link BlocklistStoreException}. Safe for
 * any thread.
 */
public interface BlocklistStore {
  /** Key of the document. */
  String DOCUMENT = "blocklist.json";

  /** It as it is now; empty: there is none. */
  Optional<Found> get();

  /**
   * Makes it.
   *
   * @throws BlocklistStoreException of kind {@code CONFLICT} if it is there
   */
  Found create(Map<String, String> data);

  /**
   * Writes some keys, if it is still of this version; other keys, labels and annotations stay.
   *
   * @param data null: the key is to go
   * @throws BlocklistStoreException of kind {@code CONFLICT} if it is of another version, or gone
   */
  Found update(Found found, Map<String, @Nullable String> data);

  /**
   * Delivers every change after a version, in order, on a thread of its own.
   *
   * @param version of what was found; empty: from now on
   */
  Watching watch(String version, Watcher watcher);

  /**
   * Leaves a note for people at the ConfigMap ({@code kubectl describe}, {@code kubectl events}).
   * One that is there for the same version stays as it is.
   *
   * @param text at most {@value #MAX_NOTE_BYTES} bytes
   */
  void tell(Found found, String text);

  /** Most bytes of a note. */
  int MAX_NOTE_BYTES = 1_024;

  /**
   * A version of it.
   *
   * @param uid of the object
   * @param version {@code resourceVersion}
   * @param data texts by their keys
   * @param by who wrote the document, such as {@code kubectl-edit}; empty: that is not known
   */
  record Found(String uid, String version, Map<String, String> data, String by) {
    public Found {
      data = Map.copyOf(data);
    }

    /** The document; empty if there is none. */
    public String document() {
      return data.getOrDefault(DOCUMENT, "");
    }

    /** Keys and sizes, for people. */
    @Override
    public String toString() {
      Map<String, Integer> sizes = new TreeMap<>();
      data.forEach((key, text) -> sizes.put(key, text.length()));
      return uid + '/' + version + sizes + " by " + by;
    }
  }

  /** Is told what happens; must return soon. */
  interface Watcher {
    /** It is now this. */
    void changed(Found found);

    /** It was deleted. */
    void deleted();

    /** Nothing more will come: look again, and watch from there. */
    void ended();
  }

  /** A running watch. */
  interface Watching extends AutoCloseable {
    /** Ends it; a second call does nothing. */
    @Override
    void close();
  }
}
