package io.ipsentry.config;

import io.ipsentry.feed.FeedAction;
import io.ipsentry.feed.FeedFormat;
import io.ipsentry.feed.FeedGuard;
import io.ipsentry.feed.FeedOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Reads which lists of addresses are fetched. */
final class FeedsReader {
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
  private static final String NAME_FORM =
      "write 1 to 63 of a-z, 0-9 and -, the latter not first or last";
  private static final int MAX_URL_CHARS = 2_048;
  private static final int MAX_HEADERS = 16;
  private static final int MAX_HEADER_FILE_BYTES = 64 << 10;
  private static final int MAX_CA_BYTES = 1 << 20;
  private static final int MAX_LEVEL = 1_000;
  private static final Duration MIN_EXPIRE = Duration.ofMinutes(10);
  private static final Map<String, FeedFormat> FORMATS =
      Stream.of(FeedFormat.values())
          .collect(Collectors.toUnmodifiableMap(FeedFormat::wireName, Function.identity()));

  /** Names of networks that lists of others may extend. */
  private static final Map<String, String> NETWORKS = Map.of("cloudflare", "cloudflare");

  /** Headers that the client sets by itself. */
  private static final Set<String> OWN_HEADERS =
      Set.of(
          "accept-encoding",
          "connection",
          "content-length",
          "expect",
          "host",
          "if-modified-since",
          "if-none-match",
          "upgrade");

  private final InputFiles files;
  private final Path directory;

  FeedsReader(InputFiles files, Path directory) {
    this.files = files;
    this.directory = directory;
  }

  /** The feeds of a list. */
  List<FeedConfig> feeds(Value list) {
    List<Value> items = list.items();
    if (items.size() > FeedConfig.MAX_FEEDS) {
      list.error("has more than " + FeedConfig.MAX_FEEDS + " feeds", "remove some");
      return List.of();
    }
    List<FeedConfig> feeds = new ArrayList<>();
    Map<String, Integer> names = new HashMap<>();
    for (Value item : items) {
      item.section(Keys.FEED).flatMap(section -> feed(section, names)).ifPresent(feeds::add);
    }
    return feeds;
  }

  private Optional<FeedConfig> feed(Section section, Map<String, Integer> names) {
    Optional<String> name =
        section
            .require("name", "write name: and what to call it, such as spamhaus-drop")
            .flatMap(value -> name(value, names));
    Optional<FeedOrigin> origin = origin(section);
    FeedAction action =
        section
            .get("action")
            .flatMap(value -> value.choice(FeedAction.BY_NAME))
            .orElse(FeedAction.BAN);
    Duration every =
        section
            .get("every")
            .flatMap(value -> value.duration(FeedConfig.MIN_EVERY, Duration.ofDays(30)))
            .orElse(FeedConfig.DEFAULT_EVERY);
    FeedConfig feed =
        new FeedConfig(
            name.orElse("unnamed"),
            origin.orElse(new FeedOrigin.File(directory)),
            options(section, action),
            every,
            action,
            factor(section, action),
            guard(section, action),
            expire(section, every, action),
            section.get("headerFiles").map(this::headerFiles).orElse(Map.of()),
            section.get("checksum").flatMap(this::checksum),
            section.get("ca").flatMap(this::ca),
            network(section, action));
    checkFileFeed(section, origin);
    return name.isPresent() && origin.isPresent() ? Optional.of(feed) : Optional.empty();
  }

  private static Optional<String> name(Value value, Map<String, Integer> names) {
    Optional<String> name = value.text();
    if (name.isEmpty()) {
      return Optional.empty();
    }
    if (!NAME.matcher(name.get()).matches()) {
      value.error(Problems.quoted(name.get()) + " is not the name of a feed", NAME_FORM);
      return Optional.empty();
    }
    Integer first = names.putIfAbsent(name.get(), value.place().at().line());
    if (first != null) {
      value.error("is also the name of the feed in line " + first, "choose another");
      return Optional.empty();
    }
    return name;
  }

  private Optional<FeedOrigin> origin(Section section) {
    Optional<Value> url = section.get("url");
    Optional<Value> file = section.get("file");
    if (url.isPresent() && file.isPresent()) {
      section.whole().error("has url and file", "write one of them");
      return Optional.empty();
    }
    if (url.isEmpty() && file.isEmpty()) {
      if (!section.isMisspelt("url") && !section.isMisspelt("file")) {
        section.whole().error("url or file is missing", "write where the list is");
      }
      return Optional.empty();
    }
    return url.isPresent()
        ? url(url.get())
        : ServiceReader.path(file.orElseThrow(), directory).map(FeedOrigin.File::new);
  }

  private static Optional<FeedOrigin> url(Value value) {
    Optional<String> text = value.text();
    if (text.isEmpty()) {
      return Optional.empty();
    }
    try {
      URI url = new URI(text.get());
      String scheme = url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
      boolean known = scheme.equals("https") || scheme.equals("http");
      if (known && url.getHost() != null && text.get().length() <= MAX_URL_CHARS) {
        if (url.getUserInfo() != null) {
          value.error(
              "has a password in it, which would be shown wherever the feed is",
              "write headerFiles: { Authorization: FILE }");
          return Optional.empty();
        }
        if (scheme.equals("http") && !isLoopback(url.getHost())) {
          value.warn(
              "is fetched over http, so everybody on the way can change whom it bans",
              "write https://, or give a checksum: from elsewhere");
        }
        return Optional.of(new FeedOrigin.Url(url));
      }
    } catch (URISyntaxException e) {
      value.error("is no URL: " + e.getReason(), "write https:// and the rest of it");
      return Optional.empty();
    }
    value.error(
        Problems.quoted(text.get()) + " is no URL of http or https",
        "write https:// and the rest of it, or file: for a file");
    return Optional.empty();
  }

  private static boolean isLoopback(String host) {
    return host.equals("localhost") || host.startsWith("127.") || host.equals("[::1]");
  }

  private Optional<FeedOrigin> checksum(Value value) {
    Optional<String> text = value.text();
    if (text.isPresent() && text.get().matches("(?i)https?:.*")) {
      return url(value);
    }
    return text.isEmpty()
        ? Optional.empty()
        : ServiceReader.path(value, directory).map(FeedOrigin.File::new);
  }

  /** Of a list that protects, one entry that cannot be read makes all of it doubtful. */
  private static FeedOptions options(Section section, FeedAction action) {
    FeedOptions defaults = FeedOptions.DEFAULT;
    int maxBadPercent = action == FeedAction.PROTECT ? 0 : defaults.maxBadPercent();
    return new FeedOptions(
        section.get("format").flatMap(value -> value.choice(FORMATS)).orElse(defaults.format()),
        number(section, "minimumLevel", 1, MAX_LEVEL, defaults.minimumLevel()),
        number(section, "minimumConfidence", 0, 100, defaults.minimumConfidence()),
        number(section, "maxBadPercent", 0, 100, maxBadPercent));
  }

  private static FeedGuard guard(Section section, FeedAction action) {
    FeedGuard defaults = FeedGuard.DEFAULT;
    boolean protects = action == FeedAction.PROTECT;
    int least = protects ? 1 : 0;
    FeedGuard guard =
        new FeedGuard(
            number(
                section,
                "minimumEntries",
                least,
                FeedOptions.MAX_ENTRIES,
                defaults.minimumEntries()),
            number(section, "maxShrinkPercent", 0, 100, defaults.maxShrinkPercent()));
    return protects ? guard.comparingAll() : guard;
  }

  private static Optional<String> network(Section section, FeedAction action) {
    Optional<Value> value = section.get("network");
    if (value.isPresent() && action != FeedAction.PROTECT) {
      value
          .get()
          .error("is for action: protect", "remove it, or write action: protect for a CDN's list");
      return Optional.empty();
    }
    return value.flatMap(written -> written.choice(NETWORKS));
  }

  private static int number(Section section, String key, int min, int max, int byDefault) {
    Optional<Value> value = section.get(key);
    return value.isEmpty() ? byDefault : value.get().integer(min, max).orElse(byDefault);
  }

  private static double factor(Section section, FeedAction action) {
    Optional<Value> value = section.get("factor");
    if (value.isEmpty()) {
      return FeedConfig.DEFAULT_FACTOR;
    }
    if (action != FeedAction.TAG) {
      value
          .get()
          .error(
              "is for action: tag, but the feed "
                  + (action == FeedAction.BAN ? "bans" : "protects"),
              "remove it, or write action: tag");
    }
    Optional<Double> factor = value.get().positiveNumber();
    if (factor.isPresent() && factor.get() >= 1) {
      value.get().error("does not lower a threshold", "write a number above 0 and below 1");
      return FeedConfig.DEFAULT_FACTOR;
    }
    return factor.orElse(FeedConfig.DEFAULT_FACTOR);
  }

  private static Duration expire(Section section, Duration every, FeedAction action) {
    Optional<Value> value = section.get("expire");
    if (action == FeedAction.PROTECT) {
      value.ifPresent(written ->
          written.error(
              "is for lists that ban or tag; what protects holds until another list comes",
              "remove it"));
      return FeedConfig.DEFAULT_EXPIRE;
    }
    Duration expire =
        value
            .flatMap(written -> written.duration(MIN_EXPIRE, Durations.MAX))
            .orElse(FeedConfig.DEFAULT_EXPIRE);
    if (expire.compareTo(every) <= 0) {
      value
          .or(() -> section.get("every"))
          .ifPresent(written ->
              written.error(
                  "lets the feed expire after "
                      + Durations.format(expire)
                      + ", before it is fetched again",
                  "make expire longer than every, best several times"));
    }
    return expire;
  }

  private Map<String, Path> headerFiles(Value value) {
    Map<String, Path> headers = new HashMap<>();
    for (Value.Named member : value.members("headers with files, such as { Key: /run/key }")) {
      String name = member.name();
      if (!HeaderNames.isValid(name) || OWN_HEADERS.contains(name.toLowerCase(Locale.ROOT))) {
        member
            .value()
            .error(Problems.quoted(name) + " is no header to be set here", HeaderNames.FORM);
      } else {
        ServiceReader.path(member.value(), directory)
            .filter(
                file -> files.read(file, MAX_HEADER_FILE_BYTES, member.value().place()).isPresent())
            .ifPresent(file -> headers.put(name, file));
      }
    }
    if (headers.size() > MAX_HEADERS) {
      value.error("has more than " + MAX_HEADERS + " headers", "remove some");
    }
    return headers;
  }

  private Optional<Path> ca(Value value) {
    return ServiceReader.path(value, directory)
        .filter(file -> files.read(file, MAX_CA_BYTES, value.place()).isPresent());
  }

  private static void checkFileFeed(Section section, Optional<FeedOrigin> origin) {
    if (origin.isPresent() && origin.get() instanceof FeedOrigin.File) {
      for (String key : List.of("headerFiles", "ca")) {
        section
            .get(key)
            .ifPresent(value -> value.error("is for a feed with url", "remove it, or write url:"));
      }
    }
  }
}
