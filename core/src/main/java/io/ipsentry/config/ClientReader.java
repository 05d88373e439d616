package io.ipsentry.config;

import io.ipsentry.config.ClientConfig.From;
import io.ipsentry.net.SeenAs;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Reads which address is the client. */
final class ClientReader {
  /** The words for {@code seenAs}. */
  static final Map<String, SeenAs> SEEN_AS =
      Map.of("peer", SeenAs.PEER, "forwarded", SeenAs.FORWARDED);

  private static final Map<String, From> FROM =
      Map.of(
          "auto", From.AUTO,
          "peer", From.PEER,
          "header", From.HEADER,
          "x-forwarded-for", From.X_FORWARDED_FOR);

  /** Headers that hold a list or another syntax, in lower case. */
  private static final List<String> NO_SINGLE_ADDRESS = List.of("x-forwarded-for", "forwarded");

  private ClientReader() {}

  /**
   * The client of a gateway's requests.
   *
   * @param header for {@link From#HEADER}: its name, in lower case; else empty
   */
  record OfRequests(ClientConfig client, String header) {
    static final OfRequests AUTO = new OfRequests(ClientConfig.AUTO, "");
  }

  /** The client of a source's lines. */
  static Optional<ClientConfig> ofLines(Value value) {
    if (!value.isMapping()) {
      return value.choice(FROM).map(from -> new ClientConfig(from, 0));
    }
    return value.section(Keys.CLIENT).map(section -> client(section, from(section)));
  }

  /** The client of a policy's requests. */
  static Optional<OfRequests> ofRequests(Value value) {
    if (!value.isMapping()) {
      Optional<From> from = value.choice(FROM);
      if (from.equals(Optional.of(From.HEADER))) {
        reportNoHeader(value);
        return Optional.empty();
      }
      return from.map(known -> new OfRequests(new ClientConfig(known, 0), ""));
    }
    return value
        .section(Keys.REQUEST_CLIENT)
        .map(section -> {
          From from = from(section);
          Optional<Value> header = section.get("header");
          if (header.isPresent() && from != From.HEADER) {
            header.get().error("is for from: header only", "add from: header, or remove header");
          } else if (header.isEmpty() && from == From.HEADER && !section.isMisspelt("header")) {
            reportNoHeader(section.whole());
          }
          String name = header.flatMap(ClientReader::headerName).orElse("");
          return new OfRequests(client(section, from), from == From.HEADER ? name : "");
        });
  }

  private static void reportNoHeader(Value value) {
    value.error(
        "is a header, but does not say which", "write { from: header, header: CF-Connecting-IP }");
  }

  private static Optional<String> headerName(Value value) {
    Optional<String> name = value.text().map(text -> text.toLowerCase(Locale.ROOT));
    if (name.isPresent() && !HeaderNames.isValid(name.get())) {
      value.error(Problems.quoted(name.get()) + " is not the name of a header", HeaderNames.FORM);
      return Optional.empty();
    }
    if (name.isPresent() && NO_SINGLE_ADDRESS.contains(name.get())) {
      value.error(
          name.get() + " holds more than one address", "write client: x-forwarded-for, or auto");
      return Optional.empty();
    }
    return name;
  }

  private static From from(Section section) {
    return section.get("from").flatMap(chosen -> chosen.choice(FROM)).orElse(From.AUTO);
  }

  private static ClientConfig client(Section section, From from) {
    Optional<Value> hops = section.get("trustedHops");
    if (hops.isPresent() && from != From.X_FORWARDED_FOR) {
      hops.get().error("is for from: x-forwarded-for only", "add from, or remove trustedHops");
    }
    int number =
        hops.isEmpty() ? 0 : hops.get().integer(0, ClientConfig.MAX_TRUSTED_HOPS).orElse(0);
    return new ClientConfig(from, number);
  }
}
