package io.ipsentry.kubernetes.log;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The ConfigMaps of a log for a process that makes and mends nothing: where it would have to, it
 * fails for the moment, and others do it.
 *
 * <p>Entries that a snapshot covers stay for an hour, and may be all bans once more: for who only
 * reads it is as if they were gone already. Who had not read them all begins with the snapshot.
 */
record ReadOnlyConfigMaps(ConfigMaps api, LogNames names) implements ConfigMaps {
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
  public Listing list(Selector selector, Predicate<String> wanted) {
    long floor =
        get(names.manifest()).flatMap(LostManifest::readable).map(Manifest::floor).orElse(0L);
    return api.list(
        selector, name -> wanted.test(name) && names.index(name).orElse(floor) >= floor);
  }

  @Override
  public Changes watch(Selector selector, String version) {
    return api.watch(selector, version);
  }
}
