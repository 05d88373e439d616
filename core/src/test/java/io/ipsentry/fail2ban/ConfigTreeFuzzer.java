package io.ipsentry.fail2ban;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** Any files end in jails or in a refusal of one line, never in another exception. */
final class ConfigTreeFuzzer {
  @FuzzTest(maxDuration = "2m")
  void jail_anyFiles_endsInAJailOrARefusal(byte[] bytes) {
    String text = new String(bytes, StandardCharsets.UTF_8);
    String[] files = text.split("\u0001", 3);
    MemoryTree tree = new MemoryTree().file("jail.conf", files[0]);
    tree.file("jail.local", files.length > 1 ? files[1] : "");
    tree.file("filter.d/a.conf", files.length > 2 ? files[2] : text);

    JailYaml document = new JailYaml();
    try {
      JailTree jails = tree.jails();
      for (String name : jails.names()) {
        read(jails, name, document);
      }
    } catch (Fail2banException e) {
      assertThat(e).hasMessageNotContaining("null");
    }
    assertThat(document.text()).startsWith("sources:\n");
  }

  private static void read(JailTree jails, String name, JailYaml document) {
    try {
      Jail jail = jails.jail(name);
      assertThat(jail.findtime()).isPositive().isLessThanOrEqualTo(Duration.ofDays(31));
      assertThat(jail.maxretry()).isPositive();
      assertThat(jail.filter().failregex()).isNotEmpty();
      document.add(jail);
      CompiledFilter.compile(jail.filter());
    } catch (Fail2banException e) {
      assertThat(e.getMessage()).isNotEmpty();
    }
  }
}
