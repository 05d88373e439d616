package io.ipsentry.bench.compare;

import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The installed fail2ban-server with one jail and an action of its package; nothing of the
 * machine's configuration or state is used.
 */
final class Fail2ban implements Product {
  static final String JAIL = "probing";

  /** Of its action. */
  static final String SET = "f2b-" + JAIL;

  /** Where its package puts its actions. */
  private static final Path ACTIONS = Path.of("/etc/fail2ban/action.d");

  @Override
  public String name() {
    return Subject.FAIL2BAN;
  }

  @Override
  public Optional<String> absent() {
    if (Programs.find("fail2ban-server").isEmpty() || !Files.isDirectory(ACTIONS)) {
      return Optional.of("no program fail2ban-server (Debian package fail2ban)");
    }
    return Optional.empty();
  }

  @Override
  public Running start(@Nullable NetworkNamespace node, Path directory, Path log)
      throws IOException, InterruptedException {
    Files.createDirectories(directory.resolve("filter.d"));
    Path actions = Files.createDirectories(directory.resolve("action.d"));
    for (String action : List.of("iptables.conf", "iptables-ipset.conf")) {
      Path to = actions.resolve(action);
      if (!Files.exists(to)) {
        Files.copy(ACTIONS.resolve(action), to);
      }
    }
    Path written = directory.resolve("fail2ban.log");
    Files.deleteIfExists(written);
    Files.writeString(
        directory.resolve("fail2ban.conf"),
        """
        [Definition]
        loglevel = INFO
        logtarget = %1$s
        syslogsocket = auto
        socket = %2$s/fail2ban.sock
        pidfile = %2$s/fail2ban.pid
        dbfile = %2$s/fail2ban.sqlite3
        dbpurgeage = 1d
        dbmaxmatches = 10
        """
            .formatted(written, directory));
    Files.writeString(
        directory.resolve("filter.d/probing.conf"),
        """
        [Definition]
        failregex = ^<ADDR> \\S+ \\S+ \\[\\] "[A-Z]+ /%s
        datepattern = \\[(%%%%d/%%%%b/%%%%Y:%%%%H:%%%%M:%%%%S %%%%z)\\]
        """
            .formatted(PATHS));
    // Legacy tables, as ours: the other flavour cannot match a set on every kernel.
    String action =
        node == null
            ? ""
            : "action = iptables-ipset[name=%s, port=8080, protocol=tcp, iptables=\"iptables-legacy -w\"]%n"
                .formatted(JAIL);
    Files.writeString(
        directory.resolve("jail.conf"),
        """
        [DEFAULT]
        backend = auto

        [%s]
        enabled = true
        filter = probing
        logpath = %s
        maxretry = %d
        findtime = 600
        bantime = 86400
        """
                .formatted(JAIL, log, THRESHOLD)
            + action);
    Daemon daemon =
        Daemon.start(
            node,
            directory.resolve("fail2ban.out"),
            Map.of(),
            List.of(
                Programs.path("fail2ban-server").toString(),
                "-xf",
                "-c",
                directory.toString(),
                "start"));
    try {
      daemon.await(written, "'" + JAIL + "' started");
    } catch (IOException | InterruptedException | RuntimeException e) {
      daemon.close();
      throw e;
    }
    return new OneProcess(daemon);
  }
}
