package io.ipsentry.sink;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanEventJson;
import io.ipsentry.ban.SequencedEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The values that templates of messages have places for. Stateless. */
public final class EventFields {
  /** Of one event; those that its kind has not are empty. */
  public static final Set<String> NAMES =
      Set.of(
          "instance",
          "id",
          "seq",
          "at",
          "type",
          "ip",
          "until",
          "for",
          "rule",
          "reason",
          "hits",
          "seen_as",
          "by",
          "offence",
          "evidence_at",
          "scope",
          "feed",
          "entries",
          "digest",
          "text");

  /** Of several events together. */
  public static final Set<String> DIGEST_NAMES =
      Set.of("instance", "id", "count", "bans", "unbans", "first", "last", "lines", "text");

  private static final String MORE = "… and %d more";

  private EventFields() {}

  /**
   * The values of an event.
   *
   * @param instance name of this installation
   * @param logId name of the log; with the number of the event it names the event for ever
   */
  public static Map<String, String> of(SequencedEvent sequenced, String instance, String logId) {
    Map<String, String> fields = new LinkedHashMap<>();
    BanEvent event = sequenced.event();
    fields.put("instance", instance);
    fields.put("id", logId + "-" + sequenced.seq());
    fields.put("seq", Long.toString(sequenced.seq()));
    fields.put("at", BanEventJson.formatTime(event.at()));
    fields.put("type", EventKind.of(event).wireName());
    fields.put("by", event.by());
    fields.put("text", line(sequenced));
    switch (event) {
      case BanEvent.Ban ban -> {
        fields.put("ip", ban.ip().toString());
        until(fields, ban.at(), ban.until());
        fields.put("rule", ban.rule());
        fields.put("reason", ban.reason());
        fields.put("hits", Integer.toString(ban.hits()));
        fields.put("seen_as", ban.seenAs().wireName());
        fields.put("offence", Integer.toString(ban.offence()));
        fields.put(
            "evidence_at",
            ban.evidenceAt() == null ? "" : BanEventJson.formatTime(ban.evidenceAt()));
        fields.put("scope", ban.scope() == null ? "" : ban.scope());
      }
      case BanEvent.Unban unban -> {
        fields.put("ip", unban.ip().toString());
        fields.put("reason", unban.reason());
      }
      case BanEvent.Allow allow -> {
        fields.put("ip", allow.ip().toString());
        until(fields, allow.at(), allow.until());
        fields.put("reason", allow.reason());
      }
      case BanEvent.Disallow disallow -> {
        fields.put("ip", disallow.ip().toString());
        fields.put("reason", disallow.reason());
      }
      case BanEvent.Feed feed -> {
        fields.put("feed", feed.feed());
        fields.put("entries", Integer.toString(feed.entries()));
        fields.put("digest", feed.digest());
      }
    }
    return fields;
  }

  /**
   * The values of several events.
   *
   * @param events one or more, in order
   * @param maxLineChars of {@code lines} together; what does not fit is counted there
   */
  public static Map<String, String> ofDigest(
      List<SequencedEvent> events, String instance, String logId, int maxLineChars) {
    long bans = events.stream().filter(each -> each.event() instanceof BanEvent.Ban).count();
    long unbans = events.stream().filter(each -> each.event() instanceof BanEvent.Unban).count();
    String first = Long.toString(events.getFirst().seq());
    String last = Long.toString(events.getLast().seq());
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("instance", instance);
    fields.put("id", logId + "-" + first + "-" + last);
    fields.put("count", Integer.toString(events.size()));
    fields.put("bans", Long.toString(bans));
    fields.put("unbans", Long.toString(unbans));
    fields.put("first", first);
    fields.put("last", last);
    fields.put("lines", lines(events, maxLineChars));
    fields.put(
        "text",
        "%d events, %d bans, %d unbans (%s to %s)"
            .formatted(events.size(), bans, unbans, first, last));
    return fields;
  }

  private static String lines(List<SequencedEvent> events, int maxChars) {
    List<String> lines = new ArrayList<>();
    int chars = MORE.length() + 10;
    for (SequencedEvent event : events) {
      String line = line(event);
      chars += line.length() + 1;
      if (chars > maxChars) {
        lines.add(MORE.formatted(events.size() - lines.size()));
        break;
      }
      lines.add(line);
    }
    return String.join("\n", lines);
  }

  /** An event in a few words. */
  static String line(SequencedEvent sequenced) {
    return switch (sequenced.event()) {
      case BanEvent.Ban ban ->
          "banned "
              + ban.ip()
              + " for "
              + length(ban.at(), ban.until())
              + ": "
              + ban.rule()
              + (ban.reason().isEmpty() ? "" : " (" + ban.reason() + ")");
      case BanEvent.Unban unban ->
          "unbanned "
              + unban.ip()
              + " by "
              + unban.by()
              + (unban.reason().isEmpty() ? "" : " (" + unban.reason() + ")");
      case BanEvent.Allow allow -> "allowed " + allow.ip() + " by " + allow.by();
      case BanEvent.Disallow disallow -> "disallowed " + disallow.ip() + " by " + disallow.by();
      case BanEvent.Feed feed -> "feed " + feed.feed() + " has " + feed.entries() + " entries";
    };
  }

  private static void until(Map<String, String> fields, Instant at, @Nullable Instant until) {
    fields.put("until", until == null ? "" : BanEventJson.formatTime(until));
    fields.put("for", length(at, until));
  }

  /** How long, in its two largest units. */
  private static String length(Instant at, @Nullable Instant until) {
    if (until == null) {
      return "ever";
    }
    long seconds = Math.max(0, Duration.between(at, until).toSeconds());
    if (seconds >= 3_600) {
      // A ban for a day counts from its hit, a moment before it was decided: that is 1d, not
      // 23h59m.
      seconds = (seconds + 30) / 60 * 60;
    }
    long[] lengths = {86_400, 3_600, 60, 1};
    StringBuilder text = new StringBuilder();
    for (int i = 0, shown = 0; i < lengths.length && shown < 2; i++) {
      if (seconds >= lengths[i]) {
        text.append(seconds / lengths[i]).append("dhms".charAt(i));
        seconds %= lengths[i];
        shown++;
      }
    }
    return text.isEmpty() ? "0s" : text.toString();
  }
}
