package io.ipsentry.authz.verdict;

import io.ipsentry.config.DenialConfig;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a refused client gets, with the places to fill in. Header values never hold control
 * characters, and what is filled into HTML or JSON is escaped for it. Immutable; safe for any
 * thread.
 */
final class DenialTemplate {
  private static final String NEVER = "never";

  private final int status;
  private final String contentType;
  private final Text body;
  private final List<HeaderText> headers;

  private record HeaderText(String name, Text value) {}

  /** How what is filled in is written. */
  private enum Escaping {
    PLAIN,
    HTML,
    JSON
  }

  DenialTemplate(DenialConfig config) {
    status = config.status();
    contentType = headerValue(config.contentType());
    body = Text.of(config.body(), escaping(config.contentType()));
    headers =
        config.headers().entrySet().stream()
            .map(header ->
                new HeaderText(
                    header.getKey().toLowerCase(Locale.ROOT),
                    Text.of(header.getValue(), Escaping.PLAIN)))
            .toList();
  }

  private static Escaping escaping(String contentType) {
    String type = contentType.toLowerCase(Locale.ROOT);
    if (type.contains("html") || type.contains("xml")) {
      return Escaping.HTML;
    }
    return type.contains("json") ? Escaping.JSON : Escaping.PLAIN;
  }

  /** The refusal of one client. */
  Denial render(
      String banId,
      String rule,
      @Nullable Instant until,
      boolean banned,
      String client,
      String reason) {
    String end = !banned ? "" : until == null ? NEVER : until.toString();
    List<Denial.Header> rendered = new ArrayList<>(headers.size() + 3);
    rendered.add(new Denial.Header("content-type", contentType));
    rendered.add(new Denial.Header("x-ip-sentry", "banned"));
    rendered.add(new Denial.Header("x-ip-sentry-ban-id", headerValue(banId)));
    for (HeaderText header : headers) {
      String value = header.value().fill(banId, end, rule, client);
      rendered.removeIf(before -> before.name().equals(header.name()));
      rendered.add(new Denial.Header(header.name(), headerValue(value)));
    }
    return new Denial(
        status, rendered, body.fill(banId, end, rule, client), banId, rule, until, client, reason);
  }

  /** Visible ASCII, spaces and tabs; anything else would break or split the header. */
  private static String headerValue(String value) {
    StringBuilder clean = new StringBuilder(value.length());
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      clean.append(c >= ' ' && c < 127 || c == '\t' ? c : '?');
    }
    return clean.toString();
  }

  /** A text with places: literals at even indexes, names of places at odd ones. */
  private record Text(List<String> pieces, Escaping escaping) {
    private static final List<String> PLACES = List.of("ban_id", "until", "rule", "client");

    static Text of(String text, Escaping escaping) {
      List<String> pieces = new ArrayList<>();
      StringBuilder literal = new StringBuilder();
      for (int i = 0; i < text.length(); ) {
        String place = placeAt(text, i);
        if (place == null) {
          literal.append(text.charAt(i++));
        } else {
          pieces.add(literal.toString());
          pieces.add(place);
          literal.setLength(0);
          i += place.length() + 2;
        }
      }
      pieces.add(literal.toString());
      return new Text(List.copyOf(pieces), escaping);
    }

    private static @Nullable String placeAt(String text, int at) {
      for (String place : PLACES) {
        if (text.startsWith("{" + place + "}", at)) {
          return place;
        }
      }
      return null;
    }

    String fill(String banId, String until, String rule, String client) {
      if (pieces.size() == 1) {
        return pieces.getFirst();
      }
      StringBuilder filled = new StringBuilder();
      for (int i = 0; i < pieces.size(); i++) {
        String piece = pieces.get(i);
        if (i % 2 == 0) {
          filled.append(piece);
        } else {
          String value =
              switch (piece) {
                case "ban_id" -> banId;
                case "until" -> until;
                case "rule" -> rule;
                default -> client;
              };
          append(filled, value);
        }
      }
      return filled.toString();
    }

    private void append(StringBuilder filled, String value) {
      for (int i = 0; i < value.length(); i++) {
        char c = value.charAt(i);
        if (c < ' ' || c == 127) {
          filled.append('?');
        } else if (escaping == Escaping.HTML && "<>&\"'".indexOf(c) >= 0) {
          filled.append("&#").append((int) c).append(';');
        } else if (escaping == Escaping.JSON && (c == '"' || c == '\\')) {
          filled.append('\\').append(c);
        } else {
          filled.append(c);
        }
      }
    }
  }
}
