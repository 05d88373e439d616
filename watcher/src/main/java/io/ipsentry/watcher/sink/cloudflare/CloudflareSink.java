package io.ipsentry.watcher.sink.cloudflare;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ipsentry.config.SinkConfig;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.sink.SinkEntry;
import io.ipsentry.sink.SinkException;
import io.ipsentry.sink.StateSink;
import io.ipsentry.watcher.sink.call.HttpCalls;
import io.ipsentry.watcher.sink.cloudflare.CloudflareApi.Outcome;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Bans as IP access rules of Cloudflare. A rule of ours is known by its notes ({@link RuleNotes}),
 * so nothing about rules has to be kept here: after a crash they are found again.
 */
public final class CloudflareSink implements StateSink {
  /** Rules of one page of a listing. */
  static final int PER_PAGE = 100;

  /** What is listed beyond this is somebody's mistake. */
  private static final int MAX_PAGES = 2 * SinkConfig.Cloudflare.MAX_RULES / PER_PAGE;

  /** Rules of one target, whosesoever, in all the scopes that hold for a zone. */
  private static final int MAX_OF_TARGET = 50;

  private static final JsonMapper JSON = new JsonMapper();

  private final SinkConfig.Cloudflare config;
  private final RuleNotes notes;
  private final CloudflareApi api;
  private final HttpCalls calls;

  /**
   * @param instance name of this installation in the notes
   * @param calls closed with the sink
   * @param budget shared by all sinks of the credential
   */
  public CloudflareSink(
      SinkConfig.Cloudflare config, String instance, HttpCalls calls, CredentialBudget budget) {
    this.config = config;
    this.calls = calls;
    notes = new RuleNotes(instance);
    api = new CloudflareApi(config, calls, budget);
  }

  @Override
  public String kind() {
    return config.kind();
  }

  @Override
  public int capacity() {
    return config.maxRules();
  }

  @Override
  public List<IpPrefix> targets(IpPrefix ban) {
    return RuleTarget.express(ban);
  }

  @Override
  public List<SinkEntry> entries() {
    return list(Map.of("notes", notes.search()), MAX_PAGES, PER_PAGE).stream()
        .flatMap(rule -> own(rule).stream())
        .toList();
  }

  @Override
  public Optional<SinkEntry> create(IpPrefix target, long ban) {
    ObjectNode body = JSON.createObjectNode();
    body.put("mode", config.mode().wireName());
    body.putObject("configuration")
        .put("target", RuleTarget.kind(target))
        .put("value", target.toString());
    body.put("notes", notes.of(ban));
    return switch (api.post(body.toString())) {
      case Outcome.Done done -> Optional.of(made(done.document(), target, ban));
      case Outcome.Duplicate _ -> find(target);
      case Outcome.Gone _ ->
          throw SinkException.refused(
              "Cloudflare knows no " + config.scope().path() + "; correct the ID");
    };
  }

  /** The rule that is in the way, if it is ours: its making was answered, and the answer lost. */
  private Optional<SinkEntry> find(IpPrefix target) {
    return list(Map.of("configuration.value", target.toString()), 1, MAX_OF_TARGET).stream()
        .flatMap(rule -> own(rule).stream())
        .filter(entry -> entry.target().equals(target))
        .findFirst();
  }

  @Override
  public Optional<SinkEntry> update(SinkEntry entry, long ban) {
    ObjectNode body = JSON.createObjectNode();
    body.put("mode", config.mode().wireName());
    body.put("notes", notes.of(ban));
    return switch (api.patch(entry.id(), body.toString())) {
      case Outcome.Done _ -> Optional.of(new SinkEntry(entry.target(), entry.id(), ban, true));
      case Outcome.Gone _, Outcome.Duplicate _ -> Optional.empty();
    };
  }

  @Override
  public void delete(SinkEntry entry) {
    switch (api.delete(entry.id())) {
      case Outcome.Done _, Outcome.Gone _ -> {}
      case Outcome.Duplicate _ ->
          throw SinkException.transientFailure("Cloudflare takes a removal for a new rule", null);
    }
  }

  private SinkEntry made(JsonNode document, IpPrefix target, long ban) {
    String id = document.path("result").path("id").asText();
    if (id.isEmpty()) {
      throw SinkException.transientFailure("Cloudflare made a rule and tells no id", null);
    }
    return new SinkEntry(target, id, ban, true);
  }

  /** Rules by id, page by page; one that moves to another page meanwhile is there once. */
  private List<JsonNode> list(Map<String, String> filter, int maxPages, int perPage) {
    Map<String, JsonNode> rules = new LinkedHashMap<>();
    for (int page = 1; page <= maxPages; page++) {
      Map<String, String> query = new LinkedHashMap<>(filter);
      query.put("page", Integer.toString(page));
      query.put("per_page", Integer.toString(perPage));
      if (!(api.get(query) instanceof Outcome.Done done)) {
        throw SinkException.refused(
            "Cloudflare knows no " + config.scope().path() + "; correct the ID");
      }
      JsonNode result = done.document().path("result");
      result.forEach(rule -> rules.put(rule.path("id").asText(), rule));
      if (result.isEmpty() || page >= pages(done.document().path("result_info"), page)) {
        break;
      }
    }
    return new ArrayList<>(rules.values());
  }

  private static long pages(JsonNode info, int page) {
    long perPage = info.path("per_page").asLong(0);
    long total = info.path("total_count").asLong(0);
    long counted = perPage == 0 ? page : (total + perPage - 1) / perPage;
    return info.path("total_pages").asLong(counted);
  }

  private Optional<SinkEntry> own(JsonNode rule) {
    OptionalLong ban = notes.ban(rule.path("notes").asText());
    Optional<IpPrefix> target =
        RuleTarget.parse(
            rule.path("configuration").path("target").asText(),
            rule.path("configuration").path("value").asText());
    if (ban.isEmpty() || target.isEmpty() || !isOfScope(rule.path("scope").path("type").asText())) {
      return Optional.empty();
    }
    return Optional.of(
        new SinkEntry(
            target.get(),
            rule.path("id").asText(),
            ban.getAsLong(),
            rule.path("mode").asText().equals(config.mode().wireName())));
  }

  /** The rules of a zone are listed with those of its account and its user. */
  private boolean isOfScope(String type) {
    return switch (config.scope()) {
      case SinkConfig.Zone _ -> type.isEmpty() || type.equals("zone");
      case SinkConfig.Account _ ->
          type.isEmpty() || type.equals("account") || type.equals("organization");
      case SinkConfig.User _ -> type.isEmpty() || type.equals("user");
    };
  }

  @Override
  public void close() {
    calls.close();
  }
}
