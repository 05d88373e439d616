package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class VersionTest {
  @Test
  void getVersion_inBuild_namesProgramAndNumber() {
    assertThat(new Version().getVersion())
        .singleElement()
        .asString()
        .matches("ip-sentry \\d+\\.\\d+\\.\\d+.*");
  }
}
