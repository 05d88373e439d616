package io.ipsentry.kubernetes.log;

import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts back what somebody deleted of the log, as far as this process may. Any number of processes
 * do so at once, with the same content. For one thread at a time.
 */
final class LogMender {
  private static final Logger logger = LoggerFactory.getLogger(LogMender.class);

  private final ConfigMaps api;
  private final LogNames names;
  private boolean mayWrite;

  /**
   * What is to be done.
   *
   * @param manifest that is missing
   * @param mends places where another entry belongs, or one at all
   */
  record Work(Optional<Manifest> manifest, List<LogPlaces.Mend> mends) {}

  LogMender(ConfigMaps api, LogNames names) {
    this.api = api;
    this.names = names;
    this.mayWrite = !(api instanceof ReadOnlyConfigMaps);
  }

  /** Does what there is to do; what fails for the moment is done the next time. */
  void mend(LogReplica replica) {
    if (!mayWrite) {
      return;
    }
    Work work = replica.work();
    if (work.manifest().isPresent()) {
      logger.atError().log("somebody deleted the manifest of the ban log; it is put back");
      StoredConfigMap map = work.manifest().get().toConfigMap(names);
      if (isOver(names.manifest(), () -> put(map))) {
        replica.triedManifest();
      }
    }
    for (LogPlaces.Mend mend : work.mends()) {
      String name = names.entry(mend.entry().index());
      logger
          .atError()
          .addKeyValue("configMap", name)
          .log("somebody deleted an entry of the ban log that no snapshot has; it is put back");
      if (isOver(name, () -> mend(mend))) {
        replica.tried(mend);
      }
    }
  }

  private void mend(LogPlaces.Mend mend) {
    mend.intruder().ifPresent(api::delete);
    if (mend.entry().isValid()) {
      put(mend.entry().toConfigMap(names));
    }
  }

  private void put(StoredConfigMap map) {
    StoredConfigMap ignored = api.create(map);
  }

  /** Whether it needs no other try: what the watch shows next decides. */
  private boolean isOver(String name, Runnable write) {
    try {
      write.run();
      return true;
    } catch (ApiServerException e) {
      return switch (e.reason()) {
        case EXISTS, CONFLICT, FULL -> true;
        case UNAVAILABLE, GONE -> false;
        case FORBIDDEN, REFUSED -> {
          logger
              .atWarn()
              .addKeyValue("configMap", name)
              .addKeyValue("cause", e.getMessage())
              .log("this process may not put back what was deleted from the ban log");
          mayWrite = false;
          yield true;
        }
      };
    }
  }
}
