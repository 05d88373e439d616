package io.ipsentry.bench.compare;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.testing.RequiresProgram;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A report of raw results that are written down here. */
@RequiresProgram("fc-list")
final class ReportTest {
  @TempDir private Path directory;

  private String report(List<Raw> lines) throws IOException {
    Path raw = Files.createDirectories(directory.resolve("raw"));
    Raw.write(raw.resolve("part.jsonl"), lines);
    Raw.write(raw.resolve("run.jsonl"), List.of(new Raw.Fact("processor", "An \"ordinary\" one")));
    Report.write(raw, directory.resolve("report"));
    return Files.readString(directory.resolve("report/README.md"));
  }

  private static Raw measured(String metric, String subject, int round, double value) {
    return new Raw.Measured(metric, subject, round, value);
  }

  @Test
  void write_severalRounds_showsMedianAndSpread() throws IOException {
    String report =
        report(
            List.of(
                measured("lines-nginx", "ip-sentry", 1, 2_000_000),
                measured("lines-nginx", "GNU grep -E", 1, 6_000_000),
                measured("lines-nginx", "ip-sentry", 2, 1_000_000),
                measured("lines-nginx", "ip-sentry", 3, 1_412_345),
                new Raw.Absent("lines-nginx", "fail2ban", "not here"),
                new Raw.Fact("load before", "0.25")));

    assertThat(report)
        .contains("| processor | An \"ordinary\" one |")
        .contains("| part | 0.25 |")
        .contains("| ip-sentry | 1,410,000 (1,000,000 to 2,000,000, 3 rounds) | – |")
        .contains("| GNU grep -E | 6,000,000 (6,000,000 to 6,000,000, 1 round) | – |")
        .contains("| fail2ban | – | – |")
        .contains("* fail2ban, nginx `combined`: not here")
        .contains("at least 0.500 of GNU grep -E | 0.235 | **missed** |")
        .contains("![Lines a second](lines.png)")
        .doesNotContain("## Memory");
  }

  @Test
  void write_peerIsBetter_saysSo() throws IOException {
    String report =
        report(
            List.of(
                measured("memory-idle", "ip-sentry", 1, 90),
                measured("memory-idle", "fail2ban", 1, 30),
                measured("memory-idle", "CrowdSec", 1, 150),
                measured("lines-nginx", "ip-sentry", 1, 1_000),
                measured("lines-nginx", "GNU grep -E", 1, 1_500)));

    assertThat(report)
        .contains("* [Memory](#memory), idle: ip-sentry 90, fail2ban 30 MiB, 3 times\n")
        .contains(
            "* [Lines a second](#lines-a-second), nginx `combined`: ip-sentry 1,000, GNU grep -E"
                + " 1,500 lines/s, 1.50 times\n")
        .doesNotContain("CrowdSec 150 MiB,");
  }

  @Test
  void write_noPeerIsBetter_saysSo() throws IOException {
    String report =
        report(
            List.of(measured("start", "ip-sentry", 1, 0.5), measured("start", "fail2ban", 1, 0.6)));

    assertThat(report).contains("In no row of these tables is a peer better by its median.");
  }

  @Test
  void write_kernelAndRestart_areHeldAgainstTheirOwnBounds() throws IOException {
    String report =
        report(
            List.of(
                measured("kernel-100000", "ip-sentry, ipset", 1, 0.6),
                measured("restore-100000", "ip-sentry", 1, 3.2),
                new Raw.Absent("restore-100000", "fail2ban", "not tried")));

    assertThat(report)
        .contains(
            "| Bans into an empty kernel, 100,000 bans | ip-sentry, ipset | at most 1 s | 0.600 |"
                + " reached |")
        .contains("| ip-sentry | – | – | 3.20 (3.20 to 3.20, 1 round) | – |")
        .contains("* fail2ban, 100,000 bans: not tried")
        .doesNotContain("missed");
  }

  @Test
  void write_charts_areDrawnInTheColoursOfTheSubjects() throws IOException {
    report(
        List.of(
            measured("lines-nginx", "ip-sentry", 1, 1_000_000),
            measured("lines-nginx", "fail2ban", 1, 1_000)));

    BufferedImage chart = ImageIO.read(directory.resolve("report/lines.png").toFile());
    assertThat(chart.getWidth()).isEqualTo(900);
    // A logarithmic axis: three decades more are about twice as long, from a decade below the
    // least.
    long own = pixels(chart, 0x1b6ca8);
    long peer = pixels(chart, 0xd9822b);
    assertThat(peer).isPositive();
    assertThat(own).isBetween(2 * peer, 8 * peer);
  }

  private static long pixels(BufferedImage chart, int color) {
    long count = 0;
    for (int x = 0; x < chart.getWidth(); x++) {
      for (int y = 0; y < chart.getHeight(); y++) {
        count += (chart.getRGB(x, y) & 0xffffff) == color ? 1 : 0;
      }
    }
    return count;
  }
}
