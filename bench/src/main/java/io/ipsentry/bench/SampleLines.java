package io.ipsentry.bench;

import java.util.Random;

/** Made-up access-log lines of the shape and length that real ones have. */
final class SampleLines {
  private static final String[] PATHS = {
    "/", "/index.html", "/assets/app-4f3c2a.js", "/api/v1/orders?page=3&size=50", "/img/logo.png",
    "/login", "/.env", "/wp-login.php", "/feed.xml", "/account/settings/notifications"
  };
  private static final String[] AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
    "curl/8.5.0"
  };
  private static final int[] STATUSES = {200, 200, 200, 200, 200, 304, 301, 404, 401, 500};

  private SampleLines() {}

  /** One line, without its end, of the named format; combined for a name it does not know. */
  static String line(String format, Random random) {
    String ip = "198.51." + random.nextInt(256) + "." + random.nextInt(256);
    String path = PATHS[random.nextInt(PATHS.length)];
    String agent = AGENTS[random.nextInt(AGENTS.length)];
    int status = STATUSES[random.nextInt(STATUSES.length)];
    int second = random.nextInt(60);
    return switch (format) {
      case "traefik-json" -> traefik(ip, path, agent, status, second, random);
      case "ngf-json" ->
          ("{\"ts\":\"2026-11-21T07:00:%02d+00:00\",\"client\":\"%s\",\"peer\":\"10.0.0.5\","
                  + "\"method\":\"GET\",\"host\":\"app.example\",\"uri\":\"%s\",\"status\":%d,"
                  + "\"ua\":\"%s\",\"rid\":\"%032x\"}")
              .formatted(second, ip, path, status, agent, random.nextLong());
      default ->
          "%s - - [21/Nov/2026:07:00:%02d +0000] \"GET %s HTTP/1.1\" %d %d \"%s\" \"%s\""
              .formatted(
                  ip, second, path, status, random.nextInt(100_000), "https://app.example/", agent);
    };
  }

  private static String traefik(
      String ip, String path, String agent, int status, int second, Random random) {
    String nanos = "%09d".formatted(random.nextInt(1_000_000_000));
    return ("{\"ClientAddr\":\"%s:%d\",\"ClientHost\":\"%s\",\"ClientPort\":\"51324\","
            + "\"ClientUsername\":\"-\",\"DownstreamContentSize\":19,\"DownstreamStatus\":%d,"
            + "\"Duration\":%d,\"OriginContentSize\":19,\"OriginDuration\":65000,"
            + "\"OriginStatus\":%d,\"Overhead\":6000,\"RequestAddr\":\"app.example\","
            + "\"RequestContentSize\":0,\"RequestCount\":42,\"RequestHost\":\"app.example\","
            + "\"RequestMethod\":\"GET\",\"RequestPath\":\"%s\",\"RequestPort\":\"-\","
            + "\"RequestProtocol\":\"HTTP/2.0\",\"RequestScheme\":\"https\",\"RetryAttempts\":0,"
            + "\"RouterName\":\"app@docker\",\"StartLocal\":\"2026-11-21T07:00:%02d.%sZ\","
            + "\"StartUTC\":\"2026-11-21T07:00:%02d.%sZ\",\"entryPointName\":\"websecure\","
            + "\"level\":\"info\",\"msg\":\"\",\"request_User-Agent\":\"%s\","
            + "\"time\":\"2026-11-21T07:00:%02dZ\"}")
        .formatted(
            ip,
            20_000 + random.nextInt(40_000),
            ip,
            status,
            random.nextInt(1_000_000),
            status,
            path,
            second,
            nanos,
            second,
            nanos,
            agent,
            second);
  }
}
