package io.ipsentry.conformance.kernel;

import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The real fail2ban in a network namespace, with one jail of its own and the actions that it comes
 * with; nothing of the machine's configuration or state is used.
 */
final class RunningFail2ban implements AutoCloseable {
  /** Where Debian and others install its actions. */
  private static final Path ACTIONS = Path.of("/etc/fail2ban/action.d");

  private final Process process;

  private RunningFail2ban(Process process) {
    this.process = process;
  }

  /**
   * Starts it and waits until the jail watches the log.
   *
   * @param directory short enough for a Unix socket in it
   * @param log an access log in the format {@code combined}, which exists
   * @param path regular expression of the paths that are hits
   */
  static RunningFail2ban start(
      NetworkNamespace node, Path directory, Path log, String path, int threshold)
      throws IOException {
    Files.createDirectories(directory.resolve("filter.d"));
    Path actions = Files.createDirectories(directory.resolve("action.d"));
    for (String action : List.of("iptables.conf", "iptables-ipset.conf")) {
      Files.copy(ACTIONS.resolve(action), actions.resolve(action));
    }
    Path written = directory.resolve("fail2ban.log");
    Files.writeString(
        directory.resolve("fail2ban.conf"),
        """
        [Definition]
        loglevel = INFO
        logtarget = %1$s
        syslogsocket = auto
        socket = %2$s/fail2ban.sock
        pidfile = %2$s/fail2ban.pid
        dbfile = :memory:
        dbpurgeage = 1d
        dbmaxmatches = 10
        """
            .formatted(written, directory));
    Files.writeString(
        directory.resolve("filter.d/probing.conf"),
        """
        [Definition]
        failregex = ^<ADDR> \\S+ \\S+ \\[\\] "[A-Z]+ %s[^"]*"
        datepattern = \\[(%%%%d/%%%%b/%%%%Y:%%%%H:%%%%M:%%%%S %%%%z)\\]
        """
            .formatted(path));
    // Legacy tables, as ours: the other flavour cannot match a set on every kernel.
    Files.writeString(
        directory.resolve("jail.conf"),
        """
        [DEFAULT]
        backend = auto

        [probing]
        enabled = true
        filter = probing
        logpath = %s
        maxretry = %d
        findtime = 600
        bantime = 3600
        action = iptables-ipset[name=probing, port=8080, protocol=tcp, iptables="iptables-legacy -w"]
        """
            .formatted(log, threshold));
    Process process =
        new ProcessBuilder(
                node.command(
                    List.of(
                        Programs.path("fail2ban-server").toString(),
                        "-xf",
                        "-c",
                        directory.toString(),
                        "start")))
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("fail2ban.out").toFile())
            .start();
    RunningFail2ban fail2ban = new RunningFail2ban(process);
    try {
      await("jail")
          .atMost(RunningIpSentry.PATIENCE)
          .until(() ->
              Files.exists(written) && Files.readString(written).contains("'probing' started"));
    } catch (RuntimeException | Error e) {
      fail2ban.close();
      throw e;
    }
    return fail2ban;
  }

  @Override
  public void close() {
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
}
