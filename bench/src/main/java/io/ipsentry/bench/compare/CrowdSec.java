package io.ipsentry.bench.compare;

import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The installed CrowdSec: agent and local API in one process, its firewall bouncer (nftables) in
 * another. Parsers are those of the hub that its package ships, the scenario is our rule. The
 * central API, plugins and metrics are off; nothing of the machine's configuration or state is
 * used.
 */
final class CrowdSec implements Product {
  /** How often its bouncer asks, as its package has it. */
  static final int PACKAGED_SECONDS = 10;

  private static final Path HUB = Path.of("/usr/share/crowdsec/hub");
  private static final Path PATTERNS = Path.of("/etc/crowdsec/patterns");
  private static final String KEY = "bench";

  private static final List<String> PARSERS =
      List.of(
          "s00-raw/crowdsecurity/syslog-logs.yaml",
          "s01-parse/crowdsecurity/nginx-logs.yaml",
          "s01-parse/crowdsecurity/traefik-logs.yaml",
          "s02-enrich/crowdsecurity/dateparse-enrich.yaml",
          "s02-enrich/crowdsecurity/http-logs.yaml");

  private static final String PROBING =
      """
      type: leaky
      format: 2.0
      name: bench/probing
      description: "probing"
      filter: >-
        evt.Meta.log_type == "http_access-log" && evt.Parsed.request matches "^/%s"
      groupby: evt.Meta.source_ip
      capacity: 2
      leakspeed: 200s
      blackhole: 1m
      labels: { service: http, type: discovery, remediation: true }
      """
          .formatted(PATHS.replace("\\", "\\\\"));

  private static final String FORCEFUL =
      """
      type: leaky
      format: 2.0
      name: bench/forceful-browsing
      description: "forceful browsing"
      filter: >-
        evt.Meta.log_type == "http_access-log" && evt.Meta.http_status in ["401", "402", "403", "404", "405"]
        && evt.Parsed.static_ressource == "false"
      groupby: evt.Meta.source_ip
      capacity: 14
      leakspeed: 4s
      blackhole: 1m
      labels: { service: http, type: discovery, remediation: true }
      """;

  private final int pollSeconds;

  /**
   * @param pollSeconds how often its bouncer asks
   */
  CrowdSec(int pollSeconds) {
    this.pollSeconds = pollSeconds;
  }

  @Override
  public String name() {
    return pollSeconds == PACKAGED_SECONDS
        ? Subject.CROWDSEC
        : Subject.CROWDSEC + ", bouncer asks each " + pollSeconds + " s";
  }

  @Override
  public Optional<String> absent() {
    for (String program : List.of("crowdsec", "crowdsec-firewall-bouncer", "cscli")) {
      if (Programs.find(program).isEmpty()) {
        return Optional.of(
            "no program " + program + " (Debian packages crowdsec and crowdsec-firewall-bouncer)");
      }
    }
    if (!Files.isDirectory(HUB)) {
      return Optional.of("no parsers in " + HUB);
    }
    return Optional.empty();
  }

  /**
   * Writes a configuration.
   *
   * @param scenario the text of its only scenario
   * @return its file
   */
  private Path configure(Path directory, String log, String kind, String scenario)
      throws IOException {
    Path etc = directory.resolve("etc");
    for (String stage : List.of("s00-raw", "s01-parse", "s02-enrich")) {
      Files.createDirectories(etc.resolve("parsers").resolve(stage));
    }
    for (String parser : PARSERS) {
      Path link =
          etc.resolve("parsers")
              .resolve(parser.substring(0, parser.indexOf('/')))
              .resolve(Path.of(parser).getFileName());
      if (!Files.exists(link)) {
        Files.createSymbolicLink(link, HUB.resolve("parsers").resolve(parser));
      }
    }
    Files.createDirectories(etc.resolve("notifications"));
    Files.createDirectories(etc.resolve("scenarios"));
    Files.createDirectories(directory.resolve("data"));
    if (!Files.exists(etc.resolve("patterns"))) {
      Files.createSymbolicLink(etc.resolve("patterns"), PATTERNS);
    }
    Files.writeString(etc.resolve("scenarios/bench.yaml"), scenario);
    Files.writeString(etc.resolve("simulation.yaml"), "simulation: off\n");
    Files.writeString(
        etc.resolve("profiles.yaml"),
        """
        name: ban
        filters: ['Alert.Remediation == true && Alert.GetScope() == "Ip"']
        decisions: [{ type: ban, duration: 24h }]
        on_success: break
        """);
    Files.writeString(
        etc.resolve("acquis.yaml"),
        "filenames: [ %s ]%nlabels: { type: %s }%n".formatted(log, kind));
    Files.writeString(
        etc.resolve("credentials.yaml"),
        "url: http://127.0.0.1:18481\nlogin: bench\npassword: " + KEY + "\n");
    Files.writeString(
        etc.resolve("bouncer.yaml"),
        """
        mode: nftables
        pid_dir: %1$s/data/
        update_frequency: %2$ds
        daemonize: false
        log_mode: stdout
        log_level: info
        api_url: http://127.0.0.1:18481/
        api_key: %3$s
        deny_action: DROP
        deny_log: false
        supported_decisions_types: [ ban ]
        nftables:
          ipv4: { enabled: true, set-only: false, table: crowdsec, chain: crowdsec-chain }
          ipv6: { enabled: true, set-only: false, table: crowdsec6, chain: crowdsec6-chain }
        prometheus: { enabled: false }
        """
            .formatted(directory, pollSeconds, KEY));
    return Files.writeString(
        etc.resolve("config.yaml"),
        """
        common: { daemonize: false, log_media: stdout, log_level: info, working_dir: . }
        config_paths:
          config_dir: %1$s/etc/
          data_dir: %1$s/data/
          simulation_path: %1$s/etc/simulation.yaml
          hub_dir: %2$s/
          index_path: %2$s/.index.json
          notification_dir: %1$s/etc/notifications/
          plugin_dir: /usr/lib/crowdsec/plugins/
        crowdsec_service: { acquisition_path: %1$s/etc/acquis.yaml, parser_routines: 1 }
        cscli: { output: human }
        db_config:
          log_level: info
          type: sqlite
          db_path: %1$s/data/crowdsec.db
          use_wal: true
          flush: { max_items: 5000, max_age: 7d }
        api:
          client: { insecure_skip_verify: false, credentials_path: %1$s/etc/credentials.yaml }
          server: { log_level: info, listen_uri: "127.0.0.1:18481", profiles_path: %1$s/etc/profiles.yaml }
        prometheus: { enabled: false }
        """
            .formatted(directory, HUB));
  }

  /** Registers agent and bouncer at the local API's store, which it makes. */
  private static void register(Path directory, Path config) {
    if (Files.exists(directory.resolve("data/crowdsec.db"))) {
      return;
    }
    String cscli = Programs.path("cscli").toString();
    String[] machine = {"machines", "add", "bench", "--password", KEY, "--force"};
    List<String> command = new ArrayList<>(List.of(cscli, "-c", config.toString()));
    command.addAll(List.of(machine));
    command.addAll(List.of("-f", directory.resolve("etc/credentials.yaml").toString()));
    Programs.run(command);
    Programs.run(cscli, "-c", config.toString(), "bouncers", "add", "bench", "-k", KEY);
  }

  /** What reads a file of lines to its end, and ends. */
  List<String> reads(Path directory, Path file, boolean isTraefik) throws IOException {
    String kind = isTraefik ? "traefik" : "nginx";
    Path config = configure(directory, "/dev/null", kind, isTraefik ? FORCEFUL : PROBING);
    register(directory, config);
    return List.of(
        Programs.path("crowdsec").toString(),
        "-c",
        config.toString(),
        "-dsn",
        "file://" + file,
        "-type",
        kind);
  }

  @Override
  public Running start(@Nullable NetworkNamespace node, Path directory, Path log)
      throws IOException, InterruptedException {
    Path config = configure(directory, log.toString(), "nginx", PROBING);
    register(directory, config);
    Path output = directory.resolve("crowdsec.out");
    Daemon agent =
        Daemon.start(
            node,
            output,
            Map.of(),
            List.of(Programs.path("crowdsec").toString(), "-c", config.toString()));
    try {
      agent.await("Local API listening");
      Daemon bouncer =
          Daemon.start(
              node,
              directory.resolve("bouncer.out"),
              Map.of(),
              List.of(
                  Programs.path("crowdsec-firewall-bouncer").toString(),
                  "-c",
                  directory.resolve("etc/bouncer.yaml").toString()));
      try {
        bouncer.await("Processing new and deleted decisions");
        agent.await("Starting processing data");
        return new WithBouncer(agent, bouncer, directory.resolve("bouncer.out"));
      } catch (IOException | InterruptedException | RuntimeException e) {
        bouncer.close();
        throw e;
      }
    } catch (IOException | InterruptedException | RuntimeException e) {
      agent.close();
      throw e;
    }
  }

  /** Both processes. */
  record WithBouncer(Daemon agent, Daemon bouncer, Path told) implements Running {
    @Override
    public List<Long> pids() {
      return List.of(agent.pid(), bouncer.pid());
    }

    @Override
    public void close() {
      bouncer.close();
      agent.close();
    }
  }
}
