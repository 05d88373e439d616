package io.ipsentry.testing.traffic;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/**
 * How a gateway writes a request into its access log, as its documentation and sources say.
 *
 * <p>Stateless; safe for any thread.
 */
public enum AccessLogStyle {
  /** nginx and Apache {@code combined}. */
  COMBINED("combined") {
    @Override
    void append(StringBuilder out, SampleRequest request) {
      appendCombined(out, request);
    }
  },
  /** Apache {@code vhost_combined}. */
  VHOST_COMBINED("vhost_combined") {
    @Override
    void append(StringBuilder out, SampleRequest request) {
      out.append(request.host()).append(":443 ");
      appendCombined(out, request);
    }
  },
  /** The JSON that NGINX Gateway Fabric's documentation suggests ({@code escape=json}). */
  NGF_JSON("ngf-json") {
    @Override
    void append(StringBuilder out, SampleRequest request) {
      out.append("{\"ts\":\"").append(iso(request.at(), "+00:00")).append('"');
      member(out, "client", request.address());
      member(out, "peer", request.address());
      member(out, "method", request.method());
      member(out, "host", request.host());
      member(out, "uri", request.target());
      out.append(",\"status\":").append(request.status());
      member(out, "ua", request.userAgent());
      member(out, "rid", "5f0c6b1f9c8d4e7f");
      out.append('}');
    }
  },
  /** Traefik's common log format with its four fields of its own. */
  TRAEFIK_CLF("traefik-clf") {
    @Override
    void append(StringBuilder out, SampleRequest request) {
      appendCombined(out, request);
      out.append(" 42 \"web@docker\" \"http://10.42.0.9:8080\" 3ms");
    }
  },
  /** Traefik's JSON. */
  TRAEFIK_JSON("traefik-json") {
    @Override
    void append(StringBuilder out, SampleRequest request) {
      out.append("{\"ClientAddr\":\"").append(withPort(request.address())).append('"');
      member(out, "ClientHost", request.address());
      out.append(",\"ClientPort\":\"51324\",\"ClientUsername\":\"-\"");
      out.append(",\"DownstreamContentSize\":").append(request.bytes());
      out.append(",\"DownstreamStatus\":").append(request.status());
      out.append(",\"Duration\":71000,\"OriginContentSize\":").append(request.bytes());
      out.append(",\"OriginDuration\":60000,\"OriginStatus\":").append(request.status());
      out.append(",\"Overhead\":11000");
      member(out, "RequestAddr", request.host());
      out.append(",\"RequestContentSize\":0,\"RequestCount\":42");
      member(out, "RequestHost", request.host());
      member(out, "RequestMethod", request.method());
      member(out, "RequestPath", request.target());
      out.append(",\"RequestPort\":\"-\",\"RequestProtocol\":\"HTTP/2.0\"");
      out.append(",\"RequestScheme\":\"https\",\"RetryAttempts\":0,\"RouterName\":\"web@docker\"");
      out.append(",\"StartLocal\":\"").append(iso(request.at(), "Z"));
      out.append("\",\"StartUTC\":\"").append(iso(request.at(), "Z"));
      out.append("\",\"entryPointName\":\"websecure\",\"level\":\"info\",\"msg\":\"\"");
      member(out, "request_User-Agent", request.userAgent());
      out.append(",\"time\":\"").append(iso(request.at(), "Z")).append("\"}");
    }
  },
  /** Envoy Gateway's default. */
  ENVOY_GATEWAY_JSON("envoy-gateway-json") {
    @Override
    void append(StringBuilder out, SampleRequest request) {
      out.append('{').append("\":authority\":");
      quoted(out, request.host());
      out.append(",\"bytes_received\":0,\"bytes_sent\":").append(request.bytes());
      out.append(",\"connection_termination_details\":null");
      out.append(",\"downstream_local_address\":\"10.42.0.7:10443\"");
      member(out, "downstream_remote_address", withPort(request.address()));
      out.append(",\"duration\":3");
      member(out, "method", request.method());
      out.append(",\"protocol\":\"HTTP/2\",\"requested_server_name\":null");
      out.append(",\"response_code\":").append(request.status());
      out.append(",\"response_code_details\":\"via_upstream\",\"response_flags\":\"-\"");
      out.append(",\"route_name\":\"httproute/app/web/rule/0/match/0\"");
      out.append(",\"start_time\":\"").append(iso(request.at(), ".000Z"));
      out.append("\",\"upstream_cluster\":\"httproute/app/web/rule/0\"");
      out.append(",\"upstream_host\":\"10.42.0.9:8080\"");
      out.append(",\"upstream_local_address\":\"10.42.0.7:43210\"");
      out.append(",\"upstream_transport_failure_reason\":null");
      member(out, "user-agent", request.userAgent());
      member(out, "x-envoy-origin-path", request.target());
      out.append(",\"x-envoy-upstream-service-time\":null");
      member(out, "x-forwarded-for", request.address());
      member(out, "x-request-id", "1f6f3a2b-5d3c-4c1a-9f0e-0a1b2c3d4e5f");
      out.append('}');
    }
  },
  /** Caddy's default. */
  CADDY_JSON("caddy-json") {
    @Override
    void append(StringBuilder out, SampleRequest request) {
      out.append("{\"level\":\"info\",\"ts\":").append(request.at().getEpochSecond());
      out.append(".0000000,\"logger\":\"http.log.access\",\"msg\":\"handled request\"");
      out.append(",\"request\":{\"remote_ip\":\"").append(request.address());
      out.append("\",\"remote_port\":\"51324\",\"client_ip\":\"").append(request.address());
      out.append("\",\"proto\":\"HTTP/2.0\"");
      member(out, "method", request.method());
      member(out, "host", request.host());
      member(out, "uri", request.target());
      out.append(",\"headers\":{\"User-Agent\":[");
      quoted(out, request.userAgent());
      out.append("]}},\"bytes_read\":0,\"user_id\":\"\",\"duration\":0.000071");
      out.append(",\"size\":").append(request.bytes());
      out.append(",\"status\":").append(request.status()).append(",\"resp_headers\":{}}");
    }
  },
  /** {@code combined} as a container runtime keeps it (CRI); lines over 100 characters in parts. */
  CRI_COMBINED("combined") {
    @Override
    void append(StringBuilder out, SampleRequest request) {
      String stamp = iso(request.at(), ".000000000Z");
      StringBuilder line = new StringBuilder(256);
      appendCombined(line, request);
      int from = 0;
      while (line.length() - from > CRI_PART) {
        out.append(stamp).append(" stdout P ").append(line, from, from + CRI_PART).append('\n');
        from += CRI_PART;
      }
      out.append(stamp).append(" stdout F ").append(line, from, line.length());
    }
  },
  /** {@code combined} as Docker's json-file driver keeps it. */
  DOCKER_COMBINED("combined") {
    @Override
    void append(StringBuilder out, SampleRequest request) {
      StringBuilder line = new StringBuilder(256);
      appendCombined(line, request);
      out.append("{\"log\":");
      quoted(out, line.append('\n').toString());
      out.append(",\"stream\":\"stdout\",\"time\":\"").append(iso(request.at(), ".000000000Z"));
      out.append("\"}");
    }
  };

  private static final int CRI_PART = 100;
  private static final DateTimeFormatter CLF_TIME =
      DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ROOT);
  private static final DateTimeFormatter ISO_SECONDS =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss", Locale.ROOT);
  private static final Map<Character, String> JSON_ESCAPES =
      Map.of('"', "\\\"", '\\', "\\\\", '\n', "\\n", '\r', "\\r", '\t', "\\t");

  private final String formatName;

  AccessLogStyle(String formatName) {
    this.formatName = formatName;
  }

  /** Name of the format in ip-sentry's configuration. */
  public String formatName() {
    return formatName;
  }

  /** The request as it stands in the log, without the last line end. */
  public String line(SampleRequest request) {
    StringBuilder out = new StringBuilder(512);
    append(out, request);
    return out.toString();
  }

  /** Adds the request to {@code out}, without the last line end. */
  abstract void append(StringBuilder out, SampleRequest request);

  private static void appendCombined(StringBuilder out, SampleRequest request) {
    out.append(request.address()).append(" - - [");
    CLF_TIME.formatTo(request.at().atOffset(ZoneOffset.UTC), out);
    out.append("] \"").append(request.method()).append(' ');
    nginxEscaped(out, request.target());
    out.append(" HTTP/1.1\" ").append(request.status()).append(' ').append(request.bytes());
    out.append(" \"-\" \"");
    nginxEscaped(out, request.userAgent());
    out.append('"');
  }

  /** nginx's {@code escape=default}: quotes, backslashes and what is not printable as \xXX. */
  private static void nginxEscaped(StringBuilder out, String text) {
    for (byte octet : text.getBytes(StandardCharsets.UTF_8)) {
      int c = octet & 0xff;
      if (c < 32 || c > 126 || c == '"' || c == '\\') {
        out.append(String.format("\\x%02X", c));
      } else {
        out.append((char) c);
      }
    }
  }

  private static void member(StringBuilder out, String name, String value) {
    out.append(",\"").append(name).append("\":");
    quoted(out, value);
  }

  private static void quoted(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      String escape = JSON_ESCAPES.get(c);
      if (escape != null) {
        out.append(escape);
      } else if (c < 32) {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }

  private static String iso(Instant at, String suffix) {
    return ISO_SECONDS.format(at.atOffset(ZoneOffset.UTC)) + suffix;
  }

  private static String withPort(String address) {
    return address.contains(":") ? "[" + address + "]:51324" : address + ":51324";
  }
}
