package io.ipsentry.kubernetes.protect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection;
import io.ipsentry.net.PrefixSet;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ProtectedTextTest {
  @Test
  void read_written_isTheSame() {
    List<Part> parts = new ArrayList<>(ProtectedPrefixes.reserved(true));
    parts.add(
        new Part(
            Protection.Kind.CLUSTER,
            "pod network",
            PrefixSet.parse("10.42.0.0/16", "2001:db8::/48")));
    parts.add(Part.of(Protection.Kind.NEVER_BAN, PrefixSet.parse("192.0.2.7")));

    List<Part> read = ProtectedText.read(ProtectedText.write(parts));

    assertThat(ProtectedPrefixes.of(read).parts())
        .containsExactlyInAnyOrderElementsOf(ProtectedPrefixes.of(parts).parts());
  }

  @Test
  void read_kindOfALaterVersion_isProtectedAllTheSame() {
    assertThat(ProtectedText.read("192.0.2.0/24 satellite of the moon\n\n"))
        .containsExactly(
            new Part(
                Protection.Kind.NEVER_BAN,
                "satellite of the moon",
                PrefixSet.parse("192.0.2.0/24")));
  }

  @Test
  void read_detailWithALineBreak_isOneLine() {
    Part part =
        new Part(Protection.Kind.CLUSTER, "a\n192.0.2.0/24 never-ban", PrefixSet.parse("10.0.0.1"));
    assertThat(ProtectedText.write(List.of(part))).hasLineCount(1);
  }

  @Test
  void read_noPrefix_saysWhere() {
    assertThatThrownBy(() -> ProtectedText.read("10.0.0.0/8 private-network\nexample.org node\n"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("line 2");
  }
}
