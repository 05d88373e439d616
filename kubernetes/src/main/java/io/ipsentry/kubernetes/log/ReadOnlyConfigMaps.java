package io.ipsentry.kubernetes.log;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.util.Optional;

/**
 * The ConfigMaps for a process that makes and mends nothing: where it would have to, it fails for
 * the moment, and others do it.
 */
record ReadOnlyConfigMaps(ConfigMaps api) implements ConfigMaps {
  @Override
  public StoredConfigMap create(StoredConfigMap map) {
    throw refusal(map);
  }

  @Override
  public Optional<StoredConfigMap> get(String name) {
    return api.get(name);
  }

  @Override
  public StoredConfigMap replace(StoredConfigMap map) {
    throw refusal(map);
  }

  @Override
  public void delete(StoredConfigMap map) {
    throw refusal(map);
  }

  private static ApiServerException refusal(StoredConfigMap map) {
    return new ApiServerException(
        Reason.UNAVAILABLE,
        map.name()
            + " is missing or damaged; an ip-sentry watcher makes it, and this process only reads",
        null);
  }

  @Override
  public Listing list(Selector selector) {
    return api.list(selector);
  }

  @Override
  public Changes watch(Selector selector, String version) {
    return api.watch(selector, version);
  }
}
