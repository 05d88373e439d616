package io.ipsentry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.Refusal;
import java.io.IOException;
import java.util.List;

/** Fields of JSON objects about bans, and how people are told the same. */
final class BanFields {
  private BanFields() {}

  /** The fields that every object about a ban begins with, in the order of {@code replay}. */
  static void common(JsonGenerator json, BanEvent.Ban ban) throws IOException {
    json.writeStringField("ip", ban.ip().toString());
    JsonLines.time(json, "banned_at", ban.at());
    JsonLines.time(json, "expires_at", ban.until());
    json.writeStringField("rule", ban.rule());
    json.writeStringField("reason", ban.reason());
    json.writeNumberField("hit_count", ban.hits());
  }

  /** All that is known of a ban that stands. */
  static void listed(JsonGenerator json, ListedBan listed) throws IOException {
    BanEvent.Ban ban = listed.ban();
    common(json, ban);
    json.writeStringField("seen_as", ban.seenAs().wireName());
    json.writeStringField("by", ban.by());
    json.writeNumberField("offence", ban.offence());
    if (ban.evidenceAt() != null) {
      JsonLines.time(json, "evidence_at", ban.evidenceAt());
    }
    if (ban.scope() != null) {
      json.writeStringField("scope", ban.scope());
    }
    json.writeNumberField("seq", listed.seq());
    json.writeBooleanField("in_force", listed.inForce());
  }

  /** An entry of the allowlist. */
  static void allowance(JsonGenerator json, Allowance entry) throws IOException {
    BanEvent.Allow allow = entry.allow();
    json.writeStringField("ip", allow.ip().toString());
    JsonLines.time(json, "allowed_at", allow.at());
    JsonLines.time(json, "expires_at", allow.until());
    json.writeStringField("reason", allow.reason());
    json.writeStringField("by", allow.by());
    json.writeNumberField("seq", entry.seq());
  }

  /** A feed. */
  static void feed(JsonGenerator json, FeedState state) throws IOException {
    json.writeStringField("feed", state.feed().feed());
    json.writeNumberField("entries", state.feed().entries());
    JsonLines.time(json, "announced_at", state.feed().at());
    json.writeStringField("digest", state.feed().digest());
    json.writeStringField("by", state.feed().by());
    json.writeNumberField("seq", state.seq());
  }

  /** Why an address must not be banned. */
  static void refusal(JsonGenerator json, Refusal refusal) throws IOException {
    json.writeStringField("kind", refusal.kind());
    json.writeStringField("prefix", refusal.prefix().toString());
    json.writeStringField("description", refusal.description());
  }

  /** A list of prefixes of bans. */
  static void prefixes(JsonGenerator json, String name, List<ListedBan> bans) throws IOException {
    json.writeArrayFieldStart(name);
    for (ListedBan ban : bans) {
      json.writeString(ban.ban().ip().toString());
    }
    json.writeEndArray();
  }

  /** Such as {@code 192.0.2.0/24 and 192.0.0.0/16}. */
  static String names(List<ListedBan> bans) {
    return String.join(" and ", bans.stream().map(ban -> ban.ban().ip().toString()).toList());
  }
}
