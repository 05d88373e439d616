package io.ipsentry.conformance.migrate;

import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The real fail2ban judges a log by a jail; its action does nothing. */
final class RealFail2ban {
  private static final Pattern BAN = Pattern.compile("\\] Ban (\\S+)");

  private RealFail2ban() {}

  /**
   * Whom it bans.
   *
   * @param directory empty, and short enough for a Unix socket in it
   * @param jail sections of {@code jail.conf}, whose action is {@code nothing}
   * @param filter name and text of {@code filter.d}; an empty text: the one that is installed
   * @param last is banned by the last lines of the log, so that all were judged when it is
   */
  static Set<String> bans(
      Path directory, String jail, String filter, String filterText, String last)
      throws IOException {
    Path filters = Files.createDirectories(directory.resolve("filter.d"));
    Path actions = Files.createDirectories(directory.resolve("action.d"));
    if (filterText.isEmpty()) {
      Path installed = Path.of("/etc/fail2ban/filter.d");
      for (String file : List.of(filter, "common")) {
        Files.copy(installed.resolve(file + ".conf"), filters.resolve(file + ".conf"));
      }
    } else {
      Files.writeString(filters.resolve(filter + ".conf"), filterText);
    }
    Files.writeString(actions.resolve("nothing.conf"), "[Definition]\nactionban =\n");
    Path written = directory.resolve("fail2ban.log");
    Files.writeString(
        directory.resolve("fail2ban.conf"),
        """
        [Definition]
        loglevel = INFO
        logtarget = %1$s
        syslogsocket = auto
        socket = %2$s/f.sock
        pidfile = %2$s/f.pid
        dbfile = :memory:
        dbpurgeage = 1d
        dbmaxmatches = 10
        """
            .formatted(written, directory));
    Files.writeString(directory.resolve("jail.conf"), jail);
    Process process =
        new ProcessBuilder(
                Programs.path("fail2ban-server").toString(),
                "-xf",
                "-c",
                directory.toString(),
                "start")
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("fail2ban.out").toFile())
            .start();
    try {
      await("fail2ban bans " + last)
          .atMost(RunningIpSentry.PATIENCE)
          .until(() -> banned(written).contains(last));
      return banned(written);
    } finally {
      end(process);
    }
  }

  private static void end(Process process) {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private static Set<String> banned(Path written) {
    if (Files.notExists(written)) {
      return Set.of();
    }
    try {
      return BAN.matcher(Files.readString(written))
          .results()
          .map(each -> each.group(1))
          .collect(Collectors.toCollection(TreeSet::new));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
