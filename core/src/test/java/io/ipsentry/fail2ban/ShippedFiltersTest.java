package io.ipsentry.fail2ban;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.testing.RequiresProgram;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every filter and jail that the installed package of fail2ban brings can be used. */
@RequiresProgram("fail2ban-regex")
final class ShippedFiltersTest {
  static List<String> filters() {
    return MemoryTree.installedFilters();
  }

  static List<String> jails() {
    return new JailTree(MemoryTree.INSTALLED, MemoryTree.disk()).names();
  }

  @Test
  void filters_installed_areMany() {
    assertThat(filters()).hasSizeGreaterThan(80).contains("sshd", "dovecot", "traefik-auth");
    assertThat(jails()).hasSizeGreaterThan(80).contains("sshd", "recidive");
  }

  @ParameterizedTest
  @MethodSource("filters")
  void filter_ofThePackage_isUsable(String name) {
    Filter filter = JailTree.filter(MemoryTree.INSTALLED, MemoryTree.disk(), name);

    assertThat(CompiledFilter.compile(filter).size()).isPositive();
  }

  @ParameterizedTest
  @MethodSource("jails")
  void jail_ofThePackage_isUsable(String name) {
    Jail jail = new JailTree(MemoryTree.INSTALLED, MemoryTree.disk()).jail(name);

    assertThat(CompiledFilter.compile(jail.filter()).size()).isPositive();
  }
}
