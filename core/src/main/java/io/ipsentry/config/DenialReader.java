package io.ipsentry.config;

import io.ipsentry.config.YamlNode.Scalar;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads what a refused client gets. */
final class DenialReader {
  /** Largest body, in bytes. */
  static final int MAX_BODY_BYTES = 65_536;

  /** Most headers. */
  static final int MAX_HEADERS = 32;

  /** Longest value of a header, in characters. */
  static final int MAX_VALUE_LENGTH = 4_096;

  /** The only statuses that nginx's {@code auth_request} takes for a refusal. */
  private static final List<Integer> OF_NGINX = List.of(401, 403);

  private static final Set<String> PLACEHOLDERS = Set.of("ban_id", "until", "rule", "client");
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{([a-z_]{1,32})\\}");

  /** Headers that the servers set, or that belong to one connection, in lower case. */
  private static final Set<String> OWN =
      Set.of(
          "connection",
          "content-length",
          "content-type",
          "date",
          "keep-alive",
          "proxy-connection",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade",
          "x-ip-sentry",
          "x-ip-sentry-ban-id");

  private final boolean http;

  /**
   * A reader.
   *
   * @param http whether the HTTP server is on, whose gateways read the status
   */
  DenialReader(boolean http) {
    this.http = http;
  }

  /** Reads a denial; what it does not say is as in {@code inherited}. */
  Optional<DenialConfig> denial(Value value, DenialConfig inherited) {
    return value
        .section(Keys.DENIAL)
        .map(section -> {
          Optional<Value> status = section.get("status");
          return new DenialConfig(
              status.map(this::status).orElse(OptionalInt.empty()).orElse(inherited.status()),
              section
                  .get("contentType")
                  .flatMap(DenialReader::contentType)
                  .orElse(inherited.contentType()),
              section.get("body").flatMap(DenialReader::body).orElse(inherited.body()),
              section.get("headers").map(DenialReader::headers).orElse(inherited.headers()));
        });
  }

  private OptionalInt status(Value value) {
    OptionalInt status = value.integer(400, 599);
    if (http && status.isPresent() && !OF_NGINX.contains(status.getAsInt())) {
      String also =
          status.getAsInt() >= 500
              ? ", and Envoy's HTTP filter takes it for a failure of ours and may let the client"
                  + " pass"
              : "";
      value.warn(
          "nginx's auth_request makes a 500 of every refusal but 401 and 403" + also,
          "write 403, unless no such gateway asks");
    }
    return status;
  }

  private static Optional<String> contentType(Value value) {
    Optional<String> type = value.text();
    if (type.isPresent() && !type.get().matches("[!-~]{1,64}/[ -~]{1,128}")) {
      value.error(
          Problems.quoted(type.get()) + " is not a content type",
          "write text/html; charset=utf-8 or the like");
      return Optional.empty();
    }
    return type;
  }

  private static Optional<String> body(Value value) {
    if (value.node() instanceof Scalar scalar && scalar.text().isEmpty()) {
      return Optional.of("");
    }
    Optional<String> body = value.text();
    if (body.isPresent() && body.get().getBytes(StandardCharsets.UTF_8).length > MAX_BODY_BYTES) {
      value.error("is larger than " + MAX_BODY_BYTES + " bytes", "make it shorter");
      return Optional.empty();
    }
    body.ifPresent(text -> checkPlaceholders(value, text));
    return body;
  }

  private static Map<String, String> headers(Value value) {
    Map<String, String> headers = new LinkedHashMap<>();
    List<Value.Named> members = value.members("headers by name, such as { Retry-After: \"3600\" }");
    if (members.size() > MAX_HEADERS) {
      value.error("has more than " + MAX_HEADERS + " headers", "remove some");
      return headers;
    }
    for (Value.Named member : members) {
      String name = member.name().toLowerCase(Locale.ROOT);
      if (!HeaderNames.isValid(name)) {
        member
            .value()
            .error(
                Problems.quoted(member.name()) + " is not the name of a header", HeaderNames.FORM);
      } else if (OWN.contains(name)) {
        member
            .value()
            .error(
                "the header " + name + " is set by ip-sentry",
                name.equals("content-type") ? "write contentType beside headers" : "remove it");
      } else if (headers.containsKey(name)) {
        member.value().error("the header " + name + " is there twice", "remove one");
      } else {
        headerValue(member.value()).ifPresent(text -> headers.put(name, text));
      }
    }
    return headers;
  }

  private static Optional<String> headerValue(Value value) {
    Optional<String> text = value.text();
    if (text.isPresent() && !text.get().matches("[\\t -~]{1," + MAX_VALUE_LENGTH + "}")) {
      value.error(
          Problems.quoted(text.get()) + " is not the value of a header",
          "write at most " + MAX_VALUE_LENGTH + " visible ASCII characters and spaces");
      return Optional.empty();
    }
    text.ifPresent(known -> checkPlaceholders(value, known));
    return text;
  }

  private static void checkPlaceholders(Value value, String text) {
    Matcher matcher = PLACEHOLDER.matcher(text);
    while (matcher.find()) {
      String word = matcher.group(1);
      if (!PLACEHOLDERS.contains(word)) {
        value.warn(
            "{" + word + "} is no placeholder and is sent as it stands",
            Value.suggestion(word, PLACEHOLDERS));
      }
    }
  }
}
