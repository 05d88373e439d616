package io.ipsentry.config;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import io.ipsentry.config.SinkConfig.ApiKey;
import io.ipsentry.config.SinkConfig.ApiToken;
import io.ipsentry.config.SinkConfig.Cloudflare;
import io.ipsentry.config.SinkConfig.Credential;
import io.ipsentry.config.SinkConfig.Messages;
import io.ipsentry.config.SinkConfig.Mode;
import io.ipsentry.config.SinkConfig.Scope;
import io.ipsentry.config.SinkConfig.Shape;
import io.ipsentry.config.SinkConfig.Stdout;
import io.ipsentry.config.SinkConfig.Target;
import io.ipsentry.config.SinkConfig.Telegram;
import io.ipsentry.config.SinkConfig.TextFormat;
import io.ipsentry.config.SinkConfig.Webhook;
import io.ipsentry.sink.Escape;
import io.ipsentry.sink.EventFields;
import io.ipsentry.sink.EventKind;
import io.ipsentry.sink.Template;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Reads the systems outside that are told of bans. */
final class SinkReader {
  /** Most sinks. */
  static final int MAX_SINKS = 32;

  private static final List<String> KINDS = List.of("cloudflare", "telegram", "webhook", "stdout");
  private static final Duration MAX_INTERVAL = Duration.ofHours(24);
  private static final int MAX_DIGEST_ABOVE = 100;
  private static final int MAX_SECRET_BYTES = 4_096;
  private static final Pattern CLOUDFLARE_ID = Pattern.compile("[0-9a-f]{32}");
  private static final Pattern EMAIL = Pattern.compile("[!-?A-~]{1,64}@[!-?A-~]{1,255}");
  private static final Pattern VISIBLE = Pattern.compile("[!-~]+");
  private static final Pattern CHAT = Pattern.compile("-?[0-9]{1,20}|@[A-Za-z0-9_]{3,64}");
  private static final Pattern BOT_TOKEN = Pattern.compile("[0-9]{1,20}:[A-Za-z0-9_-]{20,100}");
  private static final Pattern CONTENT_TYPE = Pattern.compile("[!-~]{1,64}/[!-~ ]{1,128}");

  private static final Map<String, Mode> MODES = byWireName(Mode.values(), Mode::wireName);
  private static final Map<String, EventKind> EVENTS =
      byWireName(EventKind.values(), EventKind::wireName);
  private static final Map<String, TextFormat> FORMATS =
      Map.of("plain", TextFormat.PLAIN, "html", TextFormat.HTML, "markdown", TextFormat.MARKDOWN);

  private static final JsonFactory JSON = new JsonFactory();

  private final InputFiles files;
  private final Path directory;

  SinkReader(InputFiles files, Path directory) {
    this.files = files;
    this.directory = directory;
  }

  private static <E> Map<String, E> byWireName(E[] values, Function<E, String> name) {
    Map<String, E> words = new HashMap<>();
    for (E value : values) {
      words.put(name.apply(value), value);
    }
    return words;
  }

  List<SinkConfig> sinks(Value list) {
    List<Value> items = list.items();
    if (items.size() > MAX_SINKS) {
      list.error("has more than " + MAX_SINKS + " sinks", "remove some");
      return List.of();
    }
    List<SinkConfig> sinks = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Value item : items) {
      item.section(Keys.SINK).flatMap(section -> sink(section, names)).ifPresent(sinks::add);
    }
    return sinks;
  }

  private Optional<SinkConfig> sink(Section section, Set<String> names) {
    List<String> kinds = KINDS.stream().filter(section::has).toList();
    boolean misspelt = KINDS.stream().anyMatch(section::isMisspelt);
    if (kinds.isEmpty() && !misspelt) {
      section.whole().error("is no sink", "write one of " + String.join(", ", KINDS));
    } else if (kinds.size() > 1) {
      section
          .whole()
          .error("is " + String.join(" and ", kinds), "write one of them, and another sink");
    }
    Optional<String> name =
        section.has("name")
            ? section.get("name").flatMap(Names::read)
            : kinds.stream().findFirst().filter(_ -> !section.isMisspelt("name"));
    if (name.isPresent() && !names.add(name.get())) {
      section
          .get("name")
          .orElse(section.whole())
          .error(
              "there are two sinks of the name " + name.get(),
              "give one another name; its position is kept under it");
    }
    if (kinds.size() != 1) {
      return Optional.empty();
    }
    Value value = section.get(kinds.getFirst()).orElseThrow();
    Optional<? extends Target> target =
        switch (kinds.getFirst()) {
          case "cloudflare" -> value.section(Keys.SINK_CLOUDFLARE).flatMap(this::cloudflare);
          case "telegram" -> value.section(Keys.SINK_TELEGRAM).flatMap(this::telegram);
          case "webhook" -> value.section(Keys.SINK_WEBHOOK).flatMap(this::webhook);
          default -> stdout(value);
        };
    Optional<String> instance = section.get("instance").flatMap(Names::read);
    return name.flatMap(known -> target.map(it -> new SinkConfig(known, instance, it)));
  }

  // ---- Cloudflare

  private Optional<Cloudflare> cloudflare(Section section) {
    Optional<Scope> scope = scope(section);
    Optional<Credential> credential = credential(section);
    Mode mode = section.get("mode").flatMap(value -> value.choice(MODES)).orElse(Mode.BLOCK);
    Optional<Value> max = section.get("maxRules");
    int maxRules =
        max.isEmpty()
            ? Cloudflare.DEFAULT_MAX_RULES
            : max.get().integer(1, Cloudflare.MAX_RULES).orElse(Cloudflare.DEFAULT_MAX_RULES);
    URI api = api(section, Cloudflare.DEFAULT_API);
    return scope.flatMap(
        where -> credential.map(by -> new Cloudflare(where, by, mode, maxRules, api)));
  }

  private static Optional<Scope> scope(Section section) {
    List<String> written =
        List.of("account", "zone", "user").stream().filter(section::has).toList();
    if (written.size() != 1) {
      boolean misspelt = List.of("account", "zone", "user").stream().anyMatch(section::isMisspelt);
      if (!written.isEmpty() || !misspelt) {
        section
            .whole()
            .error(
                written.isEmpty()
                    ? "does not say where the rules are"
                    : "has " + String.join(" and ", written),
                "write one of account: ID, zone: ID and user: true");
      }
      return Optional.empty();
    }
    Value value = section.get(written.getFirst()).orElseThrow();
    return switch (written.getFirst()) {
      case "account" -> identifier(value).map(SinkConfig.Account::new);
      case "zone" -> identifier(value).map(SinkConfig.Zone::new);
      default -> {
        Optional<Boolean> user = value.truth();
        if (user.isPresent() && !user.get()) {
          value.error("is false, and nothing else says where the rules are", "write account: ID");
        }
        yield user.filter(truth -> truth).map(_ -> new SinkConfig.User());
      }
    };
  }

  private static Optional<String> identifier(Value value) {
    return matching(
        value,
        CLOUDFLARE_ID,
        "is not an ID of Cloudflare",
        "write the 32 hexadecimal digits that the overview of the zone shows");
  }

  private Optional<Credential> credential(Section section) {
    Optional<Value> token = section.get("tokenFile");
    Optional<Value> key = section.get("keyFile");
    if (token.isPresent() == key.isPresent()) {
      boolean misspelt = section.isMisspelt("tokenFile") || section.isMisspelt("keyFile");
      if (token.isPresent() || !misspelt) {
        section
            .whole()
            .error(
                token.isPresent() ? "has tokenFile and keyFile" : "has no token",
                "write tokenFile: and the path of a file that holds an API token, or keyFile and"
                    + " email for a global key");
      }
      return Optional.empty();
    }
    if (token.isPresent()) {
      section
          .get("email")
          .ifPresent(email -> email.error("is for keyFile; a token needs none", "remove it"));
      return secret(token.get(), VISIBLE, "an API token").map(ApiToken::new);
    }
    Optional<String> email =
        section
            .require("email", "write email: and that of the user whose key it is")
            .flatMap(value ->
                matching(value, EMAIL, "is not an e-mail address", "write that of the user"));
    Optional<Secret> read = secret(key.get(), VISIBLE, "a key");
    return email.flatMap(user -> read.map(known -> new ApiKey(user, known)));
  }

  // ---- messages

  private Optional<Telegram> telegram(Section section) {
    TextFormat format =
        section
            .get("parseMode")
            .flatMap(value -> value.choice(FORMATS))
            .orElse(section.has("template") ? TextFormat.PLAIN : TextFormat.HTML);
    Optional<String> chat =
        section
            .require("chat", "write chat: and its number, or the @name of a channel")
            .flatMap(value ->
                matching(
                    value,
                    CHAT,
                    "is not a chat",
                    "write its number (of a group it begins with -), or the @name of a channel"));
    Optional<Secret> token =
        section
            .require("tokenFile", "write tokenFile: and the path of a file with the bot's token")
            .flatMap(value -> secret(value, BOT_TOKEN, "a bot's token, such as 123456:AbC…"));
    Optional<Integer> thread =
        section
            .get("thread")
            .flatMap(value -> {
              var number = value.integer(1, Integer.MAX_VALUE);
              return number.isPresent() ? Optional.of(number.getAsInt()) : Optional.empty();
            });
    boolean silent = section.get("silent").flatMap(Value::truth).orElse(false);
    Messages messages = messages(section, Duration.ofSeconds(3), 5);
    URI api = api(section, Telegram.DEFAULT_API);
    return chat.flatMap(
        to -> token.map(by -> new Telegram(to, thread, by, format, silent, messages, api)));
  }

  private Optional<Webhook> webhook(Section section) {
    Optional<Value> url = section.get("url");
    Optional<Value> urlFile = section.get("urlFile");
    if (url.isPresent() == urlFile.isPresent()) {
      section
          .whole()
          .error(
              url.isPresent() ? "has url and urlFile" : "has no url",
              "write url:, or urlFile: and the path of a file that holds it");
      return Optional.empty();
    }
    Optional<Secret> where =
        url.isPresent()
            ? url.get().text().map(Secret::new)
            : secret(urlFile.get(), VISIBLE, "a URL");
    where =
        where.filter(secret -> isUrl(url.or(() -> urlFile).orElseThrow(), secret, url.isPresent()));
    Optional<Secret> key =
        section.get("secretFile").flatMap(value -> secret(value, VISIBLE, "a secret"));
    Optional<Secret> token =
        section.get("tokenFile").flatMap(value -> secret(value, VISIBLE, "a token"));
    String contentType =
        section
            .get("contentType")
            .flatMap(value ->
                matching(value, CONTENT_TYPE, "is not a content type", "write application/json"))
            .orElse("application/json");
    Optional<Value> template = section.get("template");
    boolean slack =
        template.isPresent()
            && template.get().node() instanceof YamlNode.Scalar scalar
            && scalar.text().equals("slack");
    if (slack && section.has("digestTemplate")) {
      section
          .get("digestTemplate")
          .orElseThrow()
          .error("is beside template: slack, which has its own", "remove one of them");
    }
    Shape shape = slack ? Shape.SLACK : template.isPresent() ? Shape.TEMPLATE : Shape.EVENTS;
    Messages messages = messages(section, Duration.ofSeconds(1), 5);
    if (shape == Shape.TEMPLATE) {
      if (contentType.contains("json")) {
        checkJson(template.orElseThrow(), messages.template(), EventFields.NAMES);
        section
            .get("digestTemplate")
            .ifPresent(
                value -> checkJson(value, messages.digestTemplate(), EventFields.DIGEST_NAMES));
      }
    } else if (section.has("digestTemplate") && !slack) {
      section
          .get("digestTemplate")
          .orElseThrow()
          .error("is without template, and events are sent as they are", "write both, or none");
    }
    return where.map(to -> new Webhook(to, key, token, shape, contentType, messages));
  }

  private Optional<Stdout> stdout(Value value) {
    if (!value.isMapping()) {
      Optional<Boolean> on = value.truth();
      if (on.isPresent() && !on.get()) {
        value.error("is false, and nothing else says what the sink is", "remove the sink");
      }
      return on.filter(truth -> truth).map(_ -> new Stdout(EnumSet.allOf(EventKind.class)));
    }
    return value
        .section(Keys.SINK_STDOUT)
        .map(section -> new Stdout(events(section, EnumSet.allOf(EventKind.class))));
  }

  private static Set<EventKind> events(Section section, Set<EventKind> byDefault) {
    Optional<Value> list = section.get("events");
    if (list.isEmpty()) {
      return byDefault;
    }
    EnumSet<EventKind> events = EnumSet.noneOf(EventKind.class);
    list.get().items().forEach(item -> item.choice(EVENTS).ifPresent(events::add));
    if (events.isEmpty() && list.get().items().isEmpty()) {
      list.get().error("names no event, so nothing would be told", "write [ban, unban]");
    }
    return events.isEmpty() ? byDefault : events;
  }

  private static Messages messages(Section section, Duration interval, int digestAbove) {
    Optional<Value> above = section.get("digestAbove");
    boolean slack =
        section
            .get("template")
            .filter(
                value -> value.node() instanceof YamlNode.Scalar it && it.text().equals("slack"))
            .isPresent();
    return new Messages(
        events(section, EnumSet.of(EventKind.BAN, EventKind.UNBAN)),
        slack ? Optional.empty() : template(section, "template", EventFields.NAMES),
        template(section, "digestTemplate", EventFields.DIGEST_NAMES),
        above.isEmpty()
            ? digestAbove
            : above.get().integer(1, MAX_DIGEST_ABOVE).orElse(digestAbove),
        section
            .get("interval")
            .flatMap(value -> value.duration(Duration.ZERO, MAX_INTERVAL))
            .orElse(interval),
        section.get("lifecycle").flatMap(Value::truth).orElse(false));
  }

  private static Optional<Template> template(Section section, String key, Set<String> names) {
    Optional<Value> value = section.get(key);
    Optional<String> text = value.flatMap(Value::text);
    if (text.isEmpty()) {
      return Optional.empty();
    }
    if (text.get().length() > Template.MAX_CHARS) {
      value
          .get()
          .error("is longer than " + Template.MAX_CHARS + " characters", "write a shorter one");
      return Optional.empty();
    }
    Template template = Template.of(text.get());
    for (String unknown : template.unknown(names)) {
      value
          .get()
          .error(
              "has a place for {" + unknown + "}, which is no value",
              Value.suggestion(unknown, names));
    }
    return Optional.of(template);
  }

  /** A template of JSON is JSON, whatever the values are: they are escaped. */
  private static void checkJson(Value value, Optional<Template> template, Set<String> names) {
    if (template.isEmpty() || !template.get().unknown(names).isEmpty()) {
      return;
    }
    // A number stands within quotes and without.
    Map<String, String> values = new HashMap<>();
    names.forEach(name -> values.put(name, "1"));
    try (JsonParser parser = JSON.createParser(template.get().render(values, Escape.JSON))) {
      while (parser.nextToken() != null) {
        parser.skipChildren();
      }
    } catch (IOException e) {
      value.error(
          "is not JSON, as the content type says",
          "write JSON with places in its strings, such as '{\"text\": \"{ip} banned\"}', or another"
              + " contentType");
    }
  }

  // ---- parts

  private Optional<Secret> secret(Value value, Pattern form, String what) {
    return ServiceReader.path(value, directory)
        .flatMap(file -> files.read(file, MAX_SECRET_BYTES, value.place()))
        .map(bytes -> new String(bytes, StandardCharsets.ISO_8859_1).strip())
        .filter(text -> {
          boolean fits = form.matcher(text).matches();
          if (!fits) {
            value.error("the file does not hold " + what, "put it there alone, on one line");
          }
          return fits;
        })
        .map(Secret::new);
  }

  private static Optional<String> matching(
      Value value, Pattern form, String complaint, String mend) {
    Optional<String> text = value.text();
    if (text.isPresent() && !form.matcher(text.get()).matches()) {
      value.error(Problems.quoted(text.get()) + " " + complaint, mend);
      return Optional.empty();
    }
    return text;
  }

  /** Where an API is; a secret goes there, so it must not be read on the way. */
  private static URI api(Section section, URI byDefault) {
    Optional<Value> value = section.get("api");
    Optional<String> text = value.flatMap(Value::text);
    if (text.isEmpty()) {
      return byDefault;
    }
    Optional<URI> uri = url(text.get());
    if (uri.isEmpty()) {
      value.get().error(Problems.quoted(text.get()) + " is not a URL", "write " + byDefault);
      return byDefault;
    }
    if (uri.get().getScheme().equals("http") && !isLoopback(uri.get())) {
      value.get().error("is without TLS, and the token goes there", "write https://");
    }
    return URI.create(text.get().replaceFirst("/+$", ""));
  }

  private static boolean isUrl(Value value, Secret secret, boolean isShown) {
    if (url(secret.value()).isPresent()) {
      return true;
    }
    value.error(
        isShown
            ? Problems.quoted(secret.value()) + " is not a URL"
            : "the file does not hold a URL",
        "write https://…");
    return false;
  }

  private static Optional<URI> url(String text) {
    try {
      URI uri = new URI(text);
      boolean http = "https".equals(uri.getScheme()) || "http".equals(uri.getScheme());
      return http && uri.getHost() != null && uri.getUserInfo() == null && uri.getFragment() == null
          ? Optional.of(uri)
          : Optional.empty();
    } catch (URISyntaxException e) {
      return Optional.empty();
    }
  }

  private static boolean isLoopback(URI uri) {
    return uri.getHost().equals("localhost")
        || uri.getHost().startsWith("127.")
        || uri.getHost().equals("[::1]");
  }
}
