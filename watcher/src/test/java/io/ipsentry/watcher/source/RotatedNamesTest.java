package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RotatedNamesTest {
  @ParameterizedTest
  @CsvSource({
    "access.log, access.log.1, true",
    "access.log, access.log.12.gz, true",
    "access.log, access.log-20261121, true",
    "access.log, access.log-20261121-1795.gz, true",
    "access.log, access-20261121.log, true",
    "access.log, access-20261121.log.gz, true",
    "0.log, 0.log.20261121-091411, true",
    "0.log, 0.log.20261121-091411.gz, true",
    "syslog, syslog.1, true",
    "access.log, access.log, false",
    "access.log, access.log.gz, false",
    "access.log, access.log.1.zst, false",
    "access.log, access.log.bak, false",
    "access.log, access.log.wf, false",
    "access.log, error.log.1, false",
    "pod-1.log, pod-1-2.log, false",
    "access.log, access.log.1x, false",
  })
  void isRotated_names(String base, String name, boolean rotated) {
    assertThat(RotatedNames.isRotated(base, name)).isEqualTo(rotated);
  }

  @ParameterizedTest
  @CsvSource({
    "access.log.1, access.log.2.gz, true",
    "access.log.2, access.log.10, true",
    "access.log.2, access.log.1, false",
    "access.log-20261122, access.log-20261121.gz, true",
    "access.log-20261121, access.log-20261122, false",
    "access.log.1, access.log-20261121, false",
    "access.log.1, other, false",
  })
  void isNewer_names(String name, String other, boolean newer) {
    assertThat(RotatedNames.isNewer("access.log", name, other)).isEqualTo(newer);
  }
}
