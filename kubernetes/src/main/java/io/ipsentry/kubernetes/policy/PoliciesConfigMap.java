package io.ipsentry.kubernetes.policy;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The ConfigMap {@code R-policies}: the policies in force, a document each under its name, as the
 * leader worked them out. Safe for any thread.
 */
public final class PoliciesConfigMap {
  /** More is not written, in bytes: a policy that goes beyond is refused. */
  static final int MAX_BYTES = 900 * 1024;

  private static final String LOG_LABEL = "ip-sentry.io/log";
  private static final String PART_LABEL = "ip-sentry.io/part";
  private static final String PART = "policies";

  private final ConfigMaps api;
  private final String release;

  /**
   * @param release full name of the release
   */
  public PoliciesConfigMap(ConfigMaps api, String release) {
    this.api = api;
    this.release = release;
  }

  /** Its name. */
  public String name() {
    return release + "-policies";
  }

  ConfigMaps.Selector selector() {
    return new ConfigMaps.Selector(Map.of(LOG_LABEL, release), PART_LABEL, Set.of(PART));
  }

  /**
   * Makes it say this; writes only if it says something else.
   *
   * @param documents by the names of policies
   * @return whether it was written
   * @throws ApiServerException if the API server fails, or another wrote it at the same time
   */
  boolean write(Map<String, String> documents) {
    Map<String, String> labels =
        Map.of("app.kubernetes.io/managed-by", "ip-sentry", LOG_LABEL, release, PART_LABEL, PART);
    StoredConfigMap wanted = StoredConfigMap.of(name(), labels, documents, Map.of(), false);
    Optional<StoredConfigMap> stored = api.get(name());
    if (stored.isEmpty()) {
      // Without policies, and without one that was: nothing is to be told.
      return !documents.isEmpty() && create(wanted);
    }
    if (stored.get().labels().equals(labels) && stored.get().data().equals(documents)) {
      return false;
    }
    StoredConfigMap ignored =
        api.replace(wanted.stored(stored.get().uid(), stored.get().version()));
    return true;
  }

  private boolean create(StoredConfigMap wanted) {
    try {
      StoredConfigMap ignored = api.create(wanted);
      return true;
    } catch (ApiServerException e) {
      if (e.reason() != Reason.EXISTS) {
        throw e;
      }
      throw new ApiServerException(Reason.CONFLICT, wanted.name() + " was made meanwhile", e);
    }
  }
}
