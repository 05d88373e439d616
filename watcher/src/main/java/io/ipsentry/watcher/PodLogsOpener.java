package io.ipsentry.watcher;

import io.ipsentry.config.SourceConfig;
import io.ipsentry.kubernetes.pods.PodLogs;

/** Makes the logs of the pods of a source; what it returns is closed by whoever asks. */
@FunctionalInterface
public interface PodLogsOpener {
  /** For a process that is in no cluster; its configuration has no pods. */
  PodLogsOpener NONE =
      pods -> {
        throw new IllegalArgumentException("no cluster to read " + pods + " from");
      };

  /** Begins to look for the pods; never waits. */
  PodLogs open(SourceConfig.Input.Pods pods);
}
