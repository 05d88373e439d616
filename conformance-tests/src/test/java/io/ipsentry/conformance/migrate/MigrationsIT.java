package io.ipsentry.conformance.migrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.ipsentry.conformance.chart.HelmChart;
import io.ipsentry.conformance.program.Gateways;
import io.ipsentry.conformance.program.IpSentry;
import io.ipsentry.conformance.program.RunningIpSentry;
import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Each guide of {@code docs/migrate}: who comes from another system has the same bans. Its
 * configuration is in the smallest shape that its authors have published, ours is taken from the
 * guide.
 */
final class MigrationsIT {
  private static final Path GUIDES = Path.of("../docs/migrate");
  private static final String LAST = "203.0.113.250";
  private static final DateTimeFormatter SYSLOG =
      DateTimeFormatter.ofPattern("MMM ppd HH:mm:ss", Locale.ROOT).withZone(ZoneId.systemDefault());
  private static final DateTimeFormatter CLF =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT).withZone(ZoneOffset.UTC);

  @TempDir private Path directory;
  private final Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);

  /** Our configuration in a guide. */
  private static String ours(String guide) throws IOException {
    String text = Files.readString(GUIDES.resolve(guide));
    String after = text.substring(text.indexOf("The same here"));
    int begin = after.indexOf("```yaml\n") + "```yaml\n".length();
    return after.substring(begin, after.indexOf("```", begin));
  }

  /** What a configuration makes of a log: seconds of each ban by address. */
  private Map<String, Long> replay(String config, Path log) throws IOException {
    Path file = Files.writeString(directory.resolve("config.yaml"), config);
    IpSentry.Result result =
        IpSentry.run("replay", "--config", file.toString(), "-o", "json", log.toString());
    assertThat(result.exitCode()).as(result.err()).isZero();
    Map<String, Long> bans = new TreeMap<>();
    for (Map<String, String> ban : result.json()) {
      bans.put(
          String.valueOf(ban.get("ip")),
          Duration.between(
                  Instant.parse(String.valueOf(ban.get("banned_at"))),
                  Instant.parse(String.valueOf(ban.get("expires_at"))))
              .toSeconds());
    }
    return bans;
  }

  private Path fail2ban() throws IOException {
    return Files.createDirectory(directory.resolve("f"));
  }

  // ---- Fail2Ban on k3s

  private String crm(String address, String code, int times) {
    String line =
        "%sZ stdout F crm_auth_failure ip=%s provider=credentials code=%s%n"
            .formatted(now.toString().replace("Z", ".123456789"), address, code);
    return line.repeat(times);
  }

  @Test
  @RequiresProgram("fail2ban-server")
  void fail2banOnK3s_sameLines_sameBans() throws Exception {
    Path log = directory.resolve("crm.log");
    Files.writeString(
        log,
        crm("203.0.113.1", "PASSWORD_INVALID", 8)
            + crm("203.0.113.2", "USER_NOT_FOUND", 7)
            + crm("203.0.113.3", "SERVER_BUSY", 20)
            + crm("203.0.113.4", "EMAIL_INVALID", 4)
            + crm("203.0.113.4", "PASSWORD_NOT_SET", 5)
            + crm("2001:db8:0:9::1", "PASSWORD_INVALID", 8)
            + crm(LAST, "PASSWORD_INVALID", 8));
    Set<String> theirs =
        RealFail2ban.bans(
            fail2ban(),
            """
            [crm-auth]
            enabled = true
            backend = polling
            port = http,https
            filter = crm-auth
            action = nothing
            logpath = %s
            maxretry = 8
            bantime = 1800
            findtime = 900
            """
                .formatted(log),
            "crm-auth",
            """
            [Definition]
            failregex = ^.*crm_auth_failure ip=<ADDR> provider=credentials code=(EMAIL_INVALID|MICROSOFT_SSO_REQUIRED|PASSWORD_INVALID|USER_NOT_FOUND|PASSWORD_NOT_SET)(?:\\s|$).*$
            ignoreregex =
            """,
            LAST);
    Map<String, Long> bans =
        replay(ours("fail2ban-k3s.md").replaceFirst("file: \\S+", "file: " + log), log);

    assertThat(theirs).contains("203.0.113.1", "203.0.113.4", LAST).hasSize(4);
    assertThat(bans.keySet()).isEqualTo(networks(theirs));
    assertThat(bans.values()).containsOnly(1_800L);
  }

  /** fail2ban bans the address, ip-sentry its network: who has one has the other. */
  private static Set<String> networks(Set<String> addresses) {
    Set<String> networks = new java.util.TreeSet<>();
    for (String address : addresses) {
      networks.add(address.equals("2001:db8:0:9::1") ? "2001:db8:0:9::/64" : address);
    }
    return networks;
  }

  // ---- the fail2ban DaemonSet

  private String sshd(String address, String what, int times) {
    return "%s node sshd[4711]: %s from %s port 4242 ssh2%n"
        .formatted(SYSLOG.format(now), what, address)
        .repeat(times);
  }

  @Test
  @RequiresProgram("fail2ban-server")
  void fail2banDaemonSet_sameLines_sameBans() throws Exception {
    Path log = directory.resolve("auth.log");
    Files.writeString(
        log,
        sshd("203.0.113.1", "Failed password for root", 3)
            + sshd("203.0.113.2", "Failed password for root", 2)
            + sshd("203.0.113.3", "Accepted publickey for admin", 9)
            + sshd("100.64.0.9", "Failed password for root", 9)
            + sshd(LAST, "Failed password for root", 3));
    Set<String> theirs =
        RealFail2ban.bans(
            fail2ban(),
            """
            [DEFAULT]
            ignoreip = 127.0.0.1/8 ::1 100.64.0.0/10
            findtime = 10m
            bantime = 1h
            maxretry = 5
            backend = polling
            action = nothing

            [sshd]
            enabled = true
            filter = sshd
            logpath = %s
            maxretry = 3
            bantime = 24h
            """
                .formatted(log),
            "sshd",
            "",
            LAST);
    String values = ours("fail2ban-daemonset.md");
    String config =
        values
            .substring(values.indexOf("sources:"), values.indexOf("config:"))
            .replace("/var/log/auth.log", log.toString());

    assertThat(theirs).containsExactly("203.0.113.1", LAST);
    assertThat(replay(config, log)).isEqualTo(Map.of("203.0.113.1", 86_400L, LAST, 86_400L));
    // And as values of the chart.
    assertThat(HelmChart.render("ip-sentry", values).config("enforcer.yaml"))
        .contains("reader: agent", "name: k3s-apiserver");
  }

  // ---- the original ip-sentry

  @Test
  void originalIpSentry_itsValues_sameBans() throws Exception {
    Path log = directory.resolve("access.log");
    StringBuilder lines = new StringBuilder();
    // Three of one pattern, two different ones, two of one, other paths; a 200 counts as well.
    for (String request :
        List.of(
            "203.0.113.1 /wp-admin 404",
            "203.0.113.1 /wp-admin 404",
            "203.0.113.1 /wp-admin/ 200",
            "203.0.113.2 /.env 404",
            "203.0.113.2 /.git/config 404",
            "203.0.113.3 /admin.php 200",
            "203.0.113.3 /admin.php 200",
            "203.0.113.4 / 200",
            "203.0.113.4 /a 404")) {
      String[] parts = request.split(" ");
      lines.append(
          "%s - - [%s] \"GET %s HTTP/1.1\" %s 0 \"-\" \"x\"%n"
              .formatted(parts[0], CLF.format(now), parts[1], parts[2]));
    }
    Files.writeString(log, lines);
    String guide = Files.readString(GUIDES.resolve("original-ip-sentry.md"));
    int begin = guide.indexOf("```yaml\n") + "```yaml\n".length();
    String values = guide.substring(begin, guide.indexOf("```", begin));
    YAMLMapper yaml = new YAMLMapper();
    JsonNode rendered =
        yaml.readTree(HelmChart.render("ip-sentry", values).config("ip-sentry.yaml"));
    ObjectNode config = yaml.createObjectNode();
    config.putArray("sources").addObject().put("file", log.toString()).put("format", "combined");
    config.set("rules", rendered.get("rules"));

    assertThat(replay(yaml.writeValueAsString(config), log))
        .isEqualTo(Map.of("203.0.113.1", 86_400L, "203.0.113.2", 86_400L));
  }

  // ---- the Traefik plugin

  private String traefik(String address, String path, int status, Instant at) {
    return "{\"ClientAddr\":\"%1$s:4242\",\"ClientHost\":\"%1$s\",\"ClientPort\":\"4242\",\"ClientUsername\":\"-\",\"DownstreamContentSize\":0,\"DownstreamStatus\":%3$d,\"Duration\":1,\"OriginContentSize\":0,\"OriginDuration\":1,\"OriginStatus\":%3$d,\"Overhead\":1,\"RequestAddr\":\"shop.example\",\"RequestContentSize\":0,\"RequestCount\":1,\"RequestHost\":\"shop.example\",\"RequestMethod\":\"GET\",\"RequestPath\":\"%2$s\",\"RequestPort\":\"-\",\"RequestProtocol\":\"HTTP/2.0\",\"RequestScheme\":\"https\",\"RetryAttempts\":0,\"StartLocal\":\"%4$s.123456789Z\",\"StartUTC\":\"%4$s.123456789Z\",\"TLSCipher\":\"x\",\"TLSVersion\":\"1.3\",\"entryPointName\":\"websecure\",\"level\":\"info\",\"msg\":\"\",\"request_User-Agent\":\"x\",\"time\":\"%4$sZ\"}%n"
        .formatted(address, path, status, at.toString().replace("Z", ""));
  }

  @Test
  void traefikPlugin_itsRules_sameAnswers() throws Exception {
    Path log = Files.createFile(directory.resolve("access.log"));
    int http = Gateways.freePort();
    String config =
        ours("traefik-plugin.md")
            .replace("/var/log/traefik/access.log", log.toString())
            .replace("\":9002\"", "\"127.0.0.1:" + http + "\"");
    try (RunningIpSentry run = RunningIpSentry.start(directory, config);
        HttpClient client = HttpClient.newHttpClient()) {
      assertThat(ask(client, http, "203.0.113.5", "/do-not-access")).isEqualTo(403);
      assertThat(ask(client, http, "203.0.113.5", "/whoami")).isEqualTo(200);
      assertThat(ask(client, http, "198.51.100.7", "/do-not-access")).isEqualTo(200);
      assertThat(ask(client, http, "203.0.113.66", "/")).isEqualTo(403);

      Files.writeString(
          log,
          traefik("203.0.113.6", "/a", 403, now).repeat(3)
              + traefik("203.0.113.7", "/whoami", 401, now).repeat(9)
              + traefik("203.0.113.8", "/a", 402, now).repeat(9)
              + traefik("203.0.113.9", "/a", 404, now).repeat(4),
          StandardOpenOption.APPEND);
      await("fourth failure")
          .atMost(RunningIpSentry.PATIENCE)
          .until(() -> ask(client, http, "203.0.113.9", "/") == 403);
      assertThat(ask(client, http, "203.0.113.9", "/whoami")).isEqualTo(200);
      for (String other : List.of("203.0.113.6", "203.0.113.7", "203.0.113.8")) {
        assertThat(ask(client, http, other, "/")).as(other).isEqualTo(200);
      }
      assertThat(run.list())
          .extracting(ban -> ban.get("ip"))
          .containsExactlyInAnyOrder("203.0.113.9", "203.0.113.66");
    }
  }

  private static int ask(HttpClient client, int http, String address, String path)
      throws Exception {
    return Gateways.forwardAuth(client, http, address, path).statusCode();
  }

  // ---- fail2ban, Traefik's JSON, Cloudflare, Telegram

  @Test
  @RequiresProgram("fail2ban-server")
  void fail2banTraefikCloudflare_sameLines_sameBans() throws Exception {
    Path log = directory.resolve("traefik.log");
    Files.writeString(
        log,
        traefik("203.0.113.1", "/admin", 404, now).repeat(15)
            + traefik("203.0.113.2", "/admin", 404, now).repeat(14)
            + traefik("203.0.113.3", "/logo.png", 404, now).repeat(40)
            + traefik("203.0.113.4", "/", 200, now).repeat(40)
            + traefik("203.0.113.5", "/login", 401, now).repeat(8)
            + traefik("203.0.113.5", "/login", 405, now).repeat(7)
            + traefik("104.16.0.9", "/admin", 404, now).repeat(40)
            + traefik(LAST, "/admin", 403, now).repeat(15));
    Set<String> theirs =
        RealFail2ban.bans(
            fail2ban(),
            """
            [DEFAULT]
            bantime.increment = true
            bantime.rndtime = 2048
            bantime.multipliers = 1 5 30 60 300 720 1440 2880

            [traefik-general-forceful-browsing]
            enabled = true
            backend = polling
            ignoreip = 104.16.0.0/13 127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16
            filter = traefik-general-forceful-browsing
            logpath = %s
            chain = DOCKER-USER
            action = nothing
            maxretry = 15
            findtime = 60
            bantime = 600
            """
                .formatted(log),
            "traefik-general-forceful-browsing",
            """
            [Definition]
            failregex = ^{"ClientAddr":"[^"]*","ClientHost":"<HOST>",.*"OriginStatus":(405|404|403|402|401),.*}$
            ignoreregex = "RequestPath":"[^"]*(\\.png|\\.txt|\\.jpg|\\.ico|\\.js|\\.css|\\.ttf|\\.woff|\\.woff2)/?"
            datepattern = "StartLocal"\\s*:\\s*"%%Y-%%m-%%d[T]%%H:%%M:%%S\\.%%f\\d*(%%z)?",
            """,
            LAST);
    String config =
        ours("fail2ban-traefik-cloudflare.md")
            .replace("/var/log/traefik/traefik.log", log.toString())
            .replace("/etc/ip-sentry", directory.toString());
    Files.writeString(directory.resolve("cloudflare-key"), "0123456789abcdef0123456789abcdef01234");
    Files.writeString(
        directory.resolve("telegram-token"), "123456:AAabcdefghijklmnopqrstuvwxyz0123456");
    Map<String, Long> bans = replay(config, log);

    assertThat(theirs).containsExactly("203.0.113.1", LAST, "203.0.113.5");
    assertThat(bans.keySet()).isEqualTo(theirs);
    assertThat(bans.values()).allMatch(seconds -> seconds >= 600 && seconds <= 600 + 2_048);

    // Who comes back is banned for longer.
    Files.writeString(
        log,
        traefik("203.0.113.1", "/admin", 404, now.plusSeconds(7_200)).repeat(15),
        StandardOpenOption.APPEND);
    assertThat(replay(config, log).get("203.0.113.1")).isBetween(5L * 600, 5L * 600 + 2_048);
  }
}
