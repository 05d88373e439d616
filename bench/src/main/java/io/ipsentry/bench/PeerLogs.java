package io.ipsentry.bench;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Random;

/**
 * Writes the access logs for {@code bench/run-peers.sh}: {@code nginx.log} (combined, about 168
 * bytes a line) and {@code traefik.json} (about 850 bytes).
 *
 * <p>The same seed gives the same bytes. An hour of traffic in order of time; ordinary clients are
 * from the benchmark network 198.18.0.0/15. 200 attackers from the documentation networks come one
 * after the other, so most of them are to be banned. Of the nginx lines 1.5 % probe for the paths
 * of the pack {@code default}; of the Traefik lines 2 % have a status from 401 to 405, half of
 * those for static files.
 *
 * <p>Needs no other class, so {@code java PeerLogs.java DIRECTORY NGINX_LINES TRAEFIK_LINES} runs
 * it.
 */
public final class PeerLogs {
  private static final long SEED = 20261121;
  private static final Instant START = Instant.parse("2026-11-20T00:00:00Z");
  private static final long HOUR_MILLIS = 3_600_000;
  private static final int ATTACKERS = 200;
  private static final int CLIENTS = 20_000;

  private static final DateTimeFormatter CLF =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT).withZone(ZoneOffset.UTC);
  private static final DateTimeFormatter ISO =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss", Locale.ROOT).withZone(ZoneOffset.UTC);

  private static final String[] PROBES = {
    "/wp-login.php", "/wp-admin/setup-config.php", "/xmlrpc.php", "/.env", "/.git/config",
    "/.aws/credentials", "/.ssh/id_rsa", "/phpmyadmin/index.php", "/manager/html", "/admin.php",
    "/config.php", "/setup.php", "/shell.php", "/eval.php", "/boaform/admin/formLogin"
  };
  private static final String[] PATHS = {
    "/", "/index.html", "/assets/app-4f3c2a.js", "/assets/style-99e1.css", "/img/logo.png",
    "/api/v1/orders?page=3&size=50", "/api/v1/users/48151623", "/login", "/feed.xml", "/about",
    "/account/settings/notifications", "/blog/2026/11/a-week-without-a-ban", "/favicon.ico"
  };
  private static final String[] STATIC = {
    "/img/missing.png", "/assets/old-1a2b.js", "/assets/old.css", "/favicon.ico", "/fonts/a.woff2"
  };
  private static final String[] AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0",
    "Mozilla/5.0 (Linux; Android 16) Chrome/142.0.0.0"
  };
  private static final String[] REFERRERS = {"-", "https://example.org/", "https://example.org/x"};
  private static final int[] STATUSES = {200, 200, 200, 200, 200, 200, 304, 304, 301, 404, 500};

  private final Random random = new Random(SEED);
  private String attacker = attacker(0);

  private PeerLogs() {}

  /**
   * Writes both logs.
   *
   * @param args directory, number of nginx lines, number of Traefik lines
   * @throws IOException when a log cannot be written
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 3) {
      System.err.println("usage: PeerLogs DIRECTORY NGINX_LINES TRAEFIK_LINES");
      System.exit(2);
    }
    Path directory = Path.of(args[0]);
    Files.createDirectories(directory);
    new PeerLogs().write(directory.resolve("nginx.log"), Integer.parseInt(args[1]), false);
    new PeerLogs().write(directory.resolve("traefik.json"), Integer.parseInt(args[2]), true);
  }

  private void write(Path file, int lines, boolean traefik) throws IOException {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
      for (int i = 0; i < lines; i++) {
        Instant at = START.plusMillis(HOUR_MILLIS * i / lines);
        attacker = attacker((int) ((long) i * ATTACKERS / lines));
        out.write((traefik ? traefik(at) : combined(at)).getBytes(US_ASCII));
      }
    }
  }

  private String combined(Instant at) {
    boolean probe = random.nextInt(1000) < 15;
    String path = pick(probe ? PROBES : PATHS);
    int status = probe ? 404 : STATUSES[random.nextInt(STATUSES.length)];
    return (probe ? attacker : client())
        + " - - ["
        + CLF.format(at)
        + "] \"GET "
        + path
        + " HTTP/1.1\" "
        + status
        + ' '
        + random.nextInt(100_000)
        + " \""
        + pick(REFERRERS)
        + "\" \""
        + pick(AGENTS)
        + "\"\n";
  }

  private String traefik(Instant at) {
    int kind = random.nextInt(100);
    boolean refused = kind < 2;
    String path =
        kind == 0 ? pick(STATIC) : refused ? "/private/" + random.nextInt(999) : pick(PATHS);
    int status = refused ? 401 + random.nextInt(5) : random.nextInt(10) == 0 ? 304 : 200;
    String ip = kind == 1 ? attacker : client();
    String port = String.valueOf(20_000 + random.nextInt(40_000));
    String stamp = ISO.format(at);
    String nanos = "." + (100_000_000 + random.nextInt(900_000_000)) + "Z";
    int size = random.nextInt(100_000);
    int nanoseconds = 1_000_000 + random.nextInt(9_000_000);
    return """
    {"ClientAddr":"%s:%s","ClientHost":"%s","ClientPort":"%s","ClientUsername":"-",\
    "DownstreamContentSize":%d,"DownstreamStatus":%d,"Duration":%d,"OriginContentSize":%d,\
    "OriginDuration":%d,"OriginStatus":%d,"Overhead":%d,"RequestAddr":"example.org",\
    "RequestContentSize":0,"RequestCount":%d,"RequestHost":"example.org","RequestMethod":"GET",\
    "RequestPath":"%s","RequestPort":"-","RequestProtocol":"HTTP/2.0","RequestScheme":"https",\
    "RetryAttempts":0,"RouterName":"web@file","StartLocal":"%s","StartUTC":"%s",\
    "TLSCipher":"TLS_AES_128_GCM_SHA256","TLSVersion":"1.3","entryPointName":"websecure",\
    "level":"info","msg":"","request_User-Agent":"%s","time":"%s"}
    """
        .formatted(
            ip,
            port,
            ip,
            port,
            size,
            status,
            nanoseconds,
            size,
            nanoseconds - 20_000,
            status,
            20_000,
            random.nextInt(1_000_000),
            path,
            stamp + nanos,
            stamp + nanos,
            pick(AGENTS),
            stamp + "Z");
  }

  private String client() {
    int number = random.nextInt(CLIENTS);
    return "198.18." + number / 256 + "." + number % 256;
  }

  private static String attacker(int number) {
    return (number % 2 == 0 ? "203.0.113." : "198.51.100.") + (1 + number / 2);
  }

  private String pick(String[] from) {
    return from[random.nextInt(from.length)];
  }
}
