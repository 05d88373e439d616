package io.ipsentry.bench.compare;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.testing.RequiresProgram;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole path of {@code bench/compare}, with little to do and without peers. */
@RequiresProgram({"grep", "taskset", "bash", "fc-list"})
final class CompareIT {
  @TempDir private Path directory;

  @Test
  void compare_quickWithoutPeers_writesAReportOfWhatItMeasured() throws Exception {
    Path root = Path.of("..").toAbsolutePath().normalize();
    Compare.main(
        new String[] {
          "--quick",
          "--root",
          root.toString(),
          "--work",
          directory.toString(),
          "--to",
          directory.resolve("report").toString(),
          "--only",
          "ip-sentry,GNU grep -E",
          "lines",
          "start",
          "--program",
          Path.of(System.getProperty("java.home"), "bin", "java").toString(),
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "--enable-native-access=ALL-UNNAMED",
          "-cp",
          System.getProperty("java.class.path"),
          "io.ipsentry.cli.Main"
        });

    String report = Files.readString(directory.resolve("report/README.md"));
    assertThat(report)
        .containsPattern("\\| GNU grep -E \\| [0-9,]+ \\([^)]*\\) \\| [0-9,]+ \\(")
        .containsPattern("\\| ip-sentry \\| [0-9,]+ \\([^)]*\\) \\| [0-9,]+ \\(")
        .contains("| fail2ban | – | – |")
        .contains("* CrowdSec, nginx `combined`: left out of this run")
        .contains("## Start-up")
        .contains("| lines-traefik | 20");
    assertThat(ImageIO.read(directory.resolve("report/lines.png").toFile()).getHeight())
        .isGreaterThan(100);
    // What was measured is read again, not measured again.
    Compare.main(
        new String[] {
          "--quick",
          "--root",
          root.toString(),
          "--work",
          directory.toString(),
          "--to",
          directory.resolve("again").toString(),
          "report"
        });
    assertThat(Files.readString(directory.resolve("again/README.md"))).isEqualTo(report);
  }
}
