package io.ipsentry.config;

import io.ipsentry.sink.EventKind;
import io.ipsentry.sink.Template;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * A system outside that is told of bans.
 *
 * @param name unique among the sinks; its position is kept under it
 * @param instance name of this installation, for those who read its messages and notes; empty: none
 *     was given
 * @param target what it is
 */
public record SinkConfig(String name, Optional<String> instance, Target target) {
  /** What a sink is. */
  public sealed interface Target permits Cloudflare, Telegram, Webhook, Stdout {
    /** As the configuration calls it. */
    String kind();
  }

  /**
   * IP access rules of Cloudflare.
   *
   * @param scope where the rules are
   * @param credential by which the API is used
   * @param mode what becomes of a banned client
   * @param maxRules most rules of ours; the newest bans have them
   * @param api base of its URLs
   */
  public record Cloudflare(Scope scope, Credential credential, Mode mode, int maxRules, URI api)
      implements Target {
    /** The API itself. */
    public static final URI DEFAULT_API = URI.create("https://api.cloudflare.com/client/v4");

    /** Rules that an account is sure to have room for. */
    public static final int DEFAULT_MAX_RULES = 10_000;

    /** Most rules that can be asked for. */
    public static final int MAX_RULES = 100_000;

    @Override
    public String kind() {
      return "cloudflare";
    }
  }

  /** Where access rules are. */
  public sealed interface Scope {
    /** Path below the base of the API, without a slash at its ends. */
    String path();
  }

  /** Rules for all zones of an account. */
  public record Account(String id) implements Scope {
    @Override
    public String path() {
      return "accounts/" + id;
    }
  }

  /** Rules for one zone. */
  public record Zone(String id) implements Scope {
    @Override
    public String path() {
      return "zones/" + id;
    }
  }

  /** Rules for all zones that the user of the credential owns. */
  public record User() implements Scope {
    @Override
    public String path() {
      return "user";
    }
  }

  /** By what the API is used. */
  public sealed interface Credential {
    /** What nobody may read. */
    Secret secret();
  }

  /** A token with the permission to edit firewall access rules. */
  public record ApiToken(Secret secret) implements Credential {}

  /** The legacy global key of a user. */
  public record ApiKey(String email, Secret secret) implements Credential {}

  /** What becomes of the requests of a banned client. */
  public enum Mode {
    BLOCK("block"),
    MANAGED_CHALLENGE("managed_challenge"),
    JS_CHALLENGE("js_challenge"),
    CHALLENGE("challenge");

    private final String wireName;

    Mode(String wireName) {
      this.wireName = wireName;
    }

    /** As the API calls it. */
    public String wireName() {
      return wireName;
    }
  }

  /**
   * When there is a message, and what is in it.
   *
   * @param events kinds of events that there are messages of
   * @param template of one event; empty: the sink's own
   * @param digestTemplate of several events; empty: the sink's own
   * @param digestAbove more events than this at a time are told together
   * @param interval shortest time between two messages
   * @param lifecycle whether there is a message at the start and at the stop
   */
  public record Messages(
      Set<EventKind> events,
      Optional<Template> template,
      Optional<Template> digestTemplate,
      int digestAbove,
      Duration interval,
      boolean lifecycle) {
    public Messages {
      events = Set.copyOf(events);
    }
  }

  /**
   * A chat of Telegram.
   *
   * @param chat number of the chat, or {@code @name} of a channel
   * @param thread number of the topic in a group; empty: none
   * @param token of the bot
   * @param format how templates are written
   * @param silent whether nobody's phone rings
   * @param api base of its URLs
   */
  public record Telegram(
      String chat,
      Optional<Integer> thread,
      Secret token,
      TextFormat format,
      boolean silent,
      Messages messages,
      URI api)
      implements Target {
    /** The API itself. */
    public static final URI DEFAULT_API = URI.create("https://api.telegram.org");

    @Override
    public String kind() {
      return "telegram";
    }
  }

  /** How a message is written. */
  public enum TextFormat {
    PLAIN,
    HTML,
    MARKDOWN
  }

  /**
   * A URL that messages are posted to.
   *
   * @param url may be a secret in itself
   * @param signingKey of the HMAC over each message; empty: it is not signed
   * @param token sent as a bearer token; empty: none
   * @param shape what the body is
   * @param contentType of the body
   */
  public record Webhook(
      Secret url,
      Optional<Secret> signingKey,
      Optional<Secret> token,
      Shape shape,
      String contentType,
      Messages messages)
      implements Target {
    @Override
    public String kind() {
      return "webhook";
    }
  }

  /** What the body of a webhook is. */
  public enum Shape {
    /** The events as JSON, several in one message. */
    EVENTS,
    /** What Slack takes, and whoever imitates it. */
    SLACK,
    /** The templates of the configuration. */
    TEMPLATE
  }

  /**
   * Standard output, a line of JSON an event.
   *
   * @param events kinds of events that are written
   */
  public record Stdout(Set<EventKind> events) implements Target {
    public Stdout {
      events = Set.copyOf(events);
    }

    @Override
    public String kind() {
      return "stdout";
    }
  }
}
