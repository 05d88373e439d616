package io.ipsentry.kubernetes.feed;

import io.ipsentry.feed.FeedRecord;
import io.ipsentry.feed.FeedStore;
import io.ipsentry.feed.FeedStoreException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import io.ipsentry.kubernetes.log.LogNames;
import io.ipsentry.net.PrefixSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * The feeds of a cluster: contents as {@link FeedBlobs}, and in the ConfigMap {@code R-feeds} a
 * record of each feed under its name, a line of JSON. So who leads next knows what the server said
 * of a content, and fetches none that it has. Safe for any thread.
 */
public final class ClusterFeedStore implements FeedStore {
  /** Changes by another leader that come in between, each time. */
  private static final int MAX_ATTEMPTS = 10;

  private static final String PART = "feeds";

  private final ConfigMaps api;
  private final FeedBlobs blobs;
  private final LogNames names;
  private final String name;

  /**
   * @param release full name of the release
   * @param blobs of the same release
   */
  public ClusterFeedStore(ConfigMaps api, String release, FeedBlobs blobs) {
    this.api = api;
    this.blobs = blobs;
    names = new LogNames(release);
    name = release + "-feeds";
  }

  @Override
  public List<FeedRecord> records() {
    try {
      Map<String, String> data = api.get(name).map(StoredConfigMap::data).orElse(Map.of());
      return new TreeMap<>(data)
          .values().stream().map(FeedRecord::parse).flatMap(Optional::stream).toList();
    } catch (ApiServerException e) {
      throw failure(e);
    }
  }

  @Override
  public void keep(FeedRecord record) {
    change(data -> {
      data.put(record.feed(), record.toJson());
      return data;
    });
  }

  @Override
  public void forget(String feed) {
    change(data -> {
      data.remove(feed);
      return data;
    });
  }

  private void change(UnaryOperator<Map<String, String>> change) {
    try {
      for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        Optional<StoredConfigMap> stored = api.get(name);
        Map<String, String> before = stored.map(StoredConfigMap::data).orElse(Map.of());
        Map<String, String> after = change.apply(new HashMap<>(before));
        if (after.equals(before) || tryWrite(stored, after)) {
          return;
        }
      }
    } catch (ApiServerException e) {
      throw failure(e);
    }
    throw new FeedStoreException("the ConfigMap " + name + " is changed all the time", null);
  }

  private boolean tryWrite(Optional<StoredConfigMap> stored, Map<String, String> data) {
    try {
      StoredConfigMap ignored =
          stored.isPresent()
              ? api.replace(stored.get().withData(data))
              : api.create(StoredConfigMap.of(name, names.labels(PART), data, Map.of(), false));
      return true;
    } catch (ApiServerException e) {
      if (e.reason() != Reason.CONFLICT && e.reason() != Reason.EXISTS) {
        throw e;
      }
      return false;
    }
  }

  @Override
  public Stored put(String feed, PrefixSet prefixes) {
    try {
      return blobs.put(feed, prefixes);
    } catch (ApiServerException e) {
      throw failure(e);
    }
  }

  @Override
  public PrefixSet get(String feed, String digest) {
    try {
      return blobs.get(feed, digest);
    } catch (ApiServerException e) {
      throw failure(e);
    }
  }

  private FeedStoreException failure(ApiServerException e) {
    return new FeedStoreException(
        "the feeds in the ConfigMaps of the cluster cannot be used: " + e.getMessage(), e);
  }
}
