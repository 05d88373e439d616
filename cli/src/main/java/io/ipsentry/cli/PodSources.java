package io.ipsentry.cli;

import io.ipsentry.config.SourceConfig;
import io.ipsentry.config.SourceConfig.Input;
import java.util.List;
import java.util.stream.Stream;

/** The sources of pods, which watchers read through the API server. Stateless. */
final class PodSources {
  private PodSources() {}

  /**
   * A source of pods.
   *
   * @param pods its input
   */
  record Of(SourceConfig source, Input.Pods pods) {}

  static List<Of> of(List<SourceConfig> sources) {
    return sources.stream()
        .flatMap(source ->
            source.input() instanceof Input.Pods pods
                ? Stream.of(new Of(source, pods))
                : Stream.empty())
        .toList();
  }
}
