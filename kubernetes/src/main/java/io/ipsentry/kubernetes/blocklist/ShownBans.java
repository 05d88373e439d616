package io.ipsentry.kubernetes.blocklist;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import io.ipsentry.ban.ActiveBan;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The bans that a blocklist shows, and the document: one entry a line, in order of the addresses,
 * and {@code _version} behind them, so that a line that is taken out leaves JSON.
 *
 * <pre>{@code
 * {
 *   "203.0.113.7": {"banned_at":"2026-11-21T07:00:00Z","expires_at":"2026-11-22T07:00:00Z","reason":"^/wp-admin","hit_count":3},
 *   "_version": {"banned_at":"2026-11-21T07:00:01Z","expires_at":"1970-01-01T00:00:00Z","reason":"document version; keep this entry","hit_count":42}
 * }
 * }</pre>
 *
 * <p>Shown is what every reader of the document may refuse everywhere: bans without scope that have
 * no address in common with an allow. The newest stay when they are more than {@link #MAX_BYTES}.
 * It is a pure function of the state and the time, so what was shown can be told again. ASCII.
 *
 * @param stamp which state, at which time
 * @param bans that are shown, by address
 * @param active all that would be shown if there were room
 */
record ShownBans(DocumentStamp stamp, SortedMap<IpPrefix, ActiveBan> bans, int active) {
  /** Most bytes of the document; with what else is in the ConfigMap it stays below 1 MiB. */
  static final int MAX_BYTES = 700 * 1024;

  /** What {@code _version} and the braces take at most. */
  private static final int FRAME_BYTES = 256;

  /** An entry of the shortest address has more. */
  private static final int MIN_ENTRY_BYTES = 100;

  private static final int MAX_ENTRIES = MAX_BYTES / MIN_ENTRY_BYTES;
  private static final int PAGE = 1_000;

  private static final JsonFactory JSON =
      JsonFactory.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  ShownBans {
    bans = Collections.unmodifiableSortedMap(new TreeMap<>(bans));
  }

  /**
   * What is shown of a state.
   *
   * @param state nobody changes it meanwhile
   * @param time cut to whole seconds
   */
  static ShownBans of(ActiveBans state, Instant time) {
    Instant at = time.truncatedTo(ChronoUnit.SECONDS);
    PrefixSet allowed =
        PrefixSet.of(state.allows(at).stream().map(entry -> entry.allow().ip()).toList());
    PriorityQueue<ActiveBan> newest = new PriorityQueue<>(Comparator.comparingLong(ActiveBan::seq));
    int active = 0;
    ActiveBans.@Nullable Cursor after = null;
    while (true) {
      List<ActiveBan> page = state.list(at, after, PAGE);
      for (ActiveBan ban : page) {
        if (ban.ban().scope() == null && !allowed.overlaps(ban.ban().ip())) {
          active++;
          newest.add(ban);
          if (newest.size() > MAX_ENTRIES) {
            ActiveBan ignored = newest.remove();
          }
        }
      }
      if (page.size() < PAGE) {
        return new ShownBans(new DocumentStamp(state.head(), at), fitting(newest), active);
      }
      after = ActiveBans.Cursor.after(page.getLast());
    }
  }

  private static SortedMap<IpPrefix, ActiveBan> fitting(PriorityQueue<ActiveBan> bans) {
    List<ActiveBan> newestFirst = new ArrayList<>(bans);
    newestFirst.sort(Comparator.comparingLong(ActiveBan::seq).reversed());
    SortedMap<IpPrefix, ActiveBan> fitting = new TreeMap<>();
    int bytes = FRAME_BYTES;
    for (ActiveBan ban : newestFirst) {
      bytes += line(ban).length();
      if (bytes > MAX_BYTES) {
        break;
      }
      fitting.put(ban.ban().ip(), ban);
    }
    return fitting;
  }

  /** How many there is no room for. */
  int truncated() {
    return active - bans.size();
  }

  /** The first whole second at which less is to be shown; {@link Instant#MAX}: never. */
  Instant nextEnd() {
    return bans.values().stream()
        .map(ban -> ban.ban().until())
        .filter(until -> until != null)
        .min(Comparator.naturalOrder())
        .map(ShownBans::nextSecond)
        .orElse(Instant.MAX);
  }

  private static Instant nextSecond(Instant time) {
    Instant second = time.truncatedTo(ChronoUnit.SECONDS);
    return second.equals(time) ? second : second.plusSeconds(1);
  }

  /** The document, with a newline at its end. */
  String document() {
    StringBuilder document = new StringBuilder(FRAME_BYTES + bans.size() * 160);
    document.append("{\n");
    bans.values().forEach(ban -> document.append(line(ban)));
    return document
        .append(
            entry(
                DocumentStamp.KEY,
                time(stamp.at()),
                DocumentStamp.EXPIRED,
                DocumentStamp.REASON,
                stamp.version()))
        .append("\n}\n")
        .toString();
  }

  private static String line(ActiveBan active) {
    BanEvent.Ban ban = active.ban();
    return entry(
            ban.ip().toString(), time(ban.at()), time(end(ban.until())), ban.reason(), ban.hits())
        + ",\n";
  }

  /** An end as it is shown: whole seconds; null, for ever, is the last second of the year 9999. */
  static Instant end(@Nullable Instant until) {
    return until == null ? BanEvent.MAX_TIME : until.truncatedTo(ChronoUnit.SECONDS);
  }

  private static String time(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private static String entry(
      String key, String bannedAt, String expiresAt, String reason, long hitCount) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      json.writeStringField("banned_at", bannedAt);
      json.writeStringField("expires_at", expiresAt);
      json.writeStringField("reason", reason);
      json.writeNumberField("hit_count", hitCount);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return "  \"" + key + "\": " + text;
  }
}
