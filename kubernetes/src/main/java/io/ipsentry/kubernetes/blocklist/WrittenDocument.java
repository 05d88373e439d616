package io.ipsentry.kubernetes.blocklist;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Collections;
import java.util.HashSet;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A blocklist as somebody wrote it.
 *
 * <p>Read as the original ip-sentry did, which looked at {@code expires_at} and compared it as a
 * text: other fields may be missing or of any type, unknown ones are passed over; a time may lack
 * its zone (UTC) or be a date. A comma behind the last entry is no fault. An entry that cannot be
 * understood is left out, with a complaint; of a text that is no JSON object nothing is taken.
 *
 * @param stamp which state it is made from; null: it has no {@code _version}
 * @param entries what is said about an address; null: it is to be unbanned
 * @param unclear addresses about which something was said that is left out
 * @param complaints each says what, where and how to mend it
 * @param usable false: nothing is to be taken from it
 */
record WrittenDocument(
    @Nullable DocumentStamp stamp,
    SortedMap<IpPrefix, @Nullable Entry> entries,
    SortedSet<IpPrefix> unclear,
    Complaints complaints,
    boolean usable) {
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(JsonReadFeature.ALLOW_TRAILING_COMMA).build();

  private static final int MAX_SHOWN_CHARS = 160;

  /**
   * A ban that is wanted.
   *
   * @param end when it ends, whole seconds; {@link BanEvent#MAX_TIME}: never
   * @param reason may be empty
   * @param hits 0 if none are told
   */
  record Entry(Instant end, String reason, int hits) {
    /** Whether it has ended. */
    boolean hasEnded(Instant at) {
      return !end.isAfter(at);
    }

    /** As the event has it; null: never. */
    @Nullable Instant until() {
      return end.isBefore(BanEvent.MAX_TIME) ? end : null;
    }
  }

  WrittenDocument {
    entries = Collections.unmodifiableSortedMap(new TreeMap<>(entries));
    unclear = Collections.unmodifiableSortedSet(new TreeSet<>(unclear));
  }

  /** Reads a document of any content. */
  static WrittenDocument read(String text) {
    return new Reading().read(text);
  }

  /** Confined to one thread. */
  private static final class Reading {
    private final SortedMap<IpPrefix, @Nullable Entry> entries = new TreeMap<>();
    private final SortedSet<IpPrefix> unclear = new TreeSet<>();
    private final Set<IpPrefix> twice = new HashSet<>();
    private final Complaints complaints = new Complaints();
    private @Nullable DocumentStamp stamp;

    WrittenDocument read(String text) {
      if (text.isBlank()) {
        return unusable("it is empty; to unban an address, take out its line and keep the others");
      }
      try (JsonParser json = JSON.createParser(text)) {
        if (json.nextToken() != JsonToken.START_OBJECT) {
          return unusable("it is no JSON object; write {\"192.0.2.1\": {\"expires_at\": …}}");
        }
        for (String key = json.nextFieldName(); key != null; key = json.nextFieldName()) {
          int line = json.currentTokenLocation().getLineNr();
          JsonToken ignored = json.nextToken();
          if (key.equals(DocumentStamp.KEY)) {
            if (!takeStamp(json)) {
              return unusable(
                  "line "
                      + line
                      + ": "
                      + DocumentStamp.KEY
                      + " was changed; open the blocklist again and keep that entry");
            }
          } else {
            take(key, json, line);
          }
        }
        if (json.nextToken() != null) {
          return unusable("something follows the JSON object; take it out");
        }
      } catch (JsonProcessingException e) {
        return unusable(
            "it is no JSON: line "
                + e.getLocation().getLineNr()
                + ", column "
                + e.getLocation().getColumnNr()
                + ": "
                + shown(firstLine(e.getOriginalMessage()))
                + "; mend it there");
      } catch (IOException e) {
        throw new UncheckedIOException("reading from memory failed", e);
      }
      return new WrittenDocument(stamp, entries, unclear, complaints, true);
    }

    private WrittenDocument unusable(String why) {
      Complaints one = new Complaints();
      one.add("nothing was changed: " + why);
      return new WrittenDocument(null, new TreeMap<>(), new TreeSet<>(), one, false);
    }

    /** A stamp that cannot be read must not make a document additive. */
    private boolean takeStamp(JsonParser json) throws IOException {
      Fields fields = json.currentToken() == JsonToken.START_OBJECT ? new Fields(json) : null;
      if (fields == null) {
        json.skipChildren();
      }
      Instant at = fields == null ? null : time(fields.bannedAt);
      if (fields == null || at == null || fields.hitCount == null || fields.hitCount < 0) {
        return false;
      }
      stamp = new DocumentStamp(fields.hitCount, at);
      return true;
    }

    private void take(String key, JsonParser json, int line) throws IOException {
      IpPrefix ip;
      try {
        ip = IpPrefix.parse(key.strip());
      } catch (InvalidAddressException e) {
        json.skipChildren();
        complaints.add("line " + line + ": " + e.getMessage());
        return;
      }
      boolean known = entries.containsKey(ip) || unclear.contains(ip);
      if (known && twice.add(ip)) {
        complaints.add("line " + line + ": " + ip + " stands there twice; the last one holds");
      }
      @Nullable Entry ignored = entries.remove(ip);
      unclear.remove(ip);
      if (json.currentToken() == JsonToken.VALUE_NULL) {
        entries.put(ip, null);
        return;
      }
      Entry entry = entry(ip, json, line);
      if (entry == null) {
        unclear.add(ip);
      } else {
        entries.put(ip, entry);
      }
    }

    private @Nullable Entry entry(IpPrefix ip, JsonParser json, int line) throws IOException {
      if (json.currentToken() != JsonToken.START_OBJECT) {
        json.skipChildren();
        complaints.add(
            "line "
                + line
                + ": "
                + ip
                + ": the entry is no object; write {\"expires_at\": \"2026-11-21T07:00:00Z\"}, or"
                + " null to unban");
        return null;
      }
      Fields fields = new Fields(json);
      Instant end = time(fields.expiresAt);
      if (end == null) {
        String found =
            fields.expiresAt == null ? "is missing" : "is \"" + shown(fields.expiresAt) + '"';
        complaints.add(
            "line "
                + line
                + ": "
                + ip
                + ": expires_at "
                + found
                + "; write a time such as 2026-11-21T07:00:00Z, or 9999-12-31T23:59:59Z for ever");
        return null;
      }
      long hits = fields.hitCount == null ? 0 : fields.hitCount;
      return new Entry(end, fields.reason, (int) Math.clamp(hits, 0L, Integer.MAX_VALUE));
    }
  }

  /** The fields of an entry; what is of another type counts as missing. */
  private static final class Fields {
    @Nullable String bannedAt;
    @Nullable String expiresAt;
    String reason = "";
    @Nullable Long hitCount;

    Fields(JsonParser json) throws IOException {
      for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
        JsonToken token = json.nextToken();
        String text = token == JsonToken.VALUE_STRING ? json.getText() : null;
        switch (name) {
          case "banned_at" -> bannedAt = text;
          case "expires_at" -> expiresAt = text;
          case "reason" -> reason = text == null ? "" : text;
          case "hit_count" -> hitCount = number(json);
          default -> {}
        }
        json.skipChildren();
      }
    }

    private static @Nullable Long number(JsonParser json) throws IOException {
      boolean whole =
          json.currentToken() == JsonToken.VALUE_NUMBER_INT
              && json.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
      return whole ? json.getLongValue() : null;
    }
  }

  /** A time, whole seconds within what events can name; null: it is none. */
  private static @Nullable Instant time(@Nullable String written) {
    String text = written == null ? "" : written.strip().replace(' ', 'T');
    Instant time;
    try {
      if (text.indexOf('T') < 0) {
        time = LocalDate.parse(text).atStartOfDay().toInstant(ZoneOffset.UTC);
      } else if (hasZone(text)) {
        time = OffsetDateTime.parse(text).toInstant();
      } else {
        time = LocalDateTime.parse(text).toInstant(ZoneOffset.UTC);
      }
    } catch (DateTimeException e) {
      return null;
    }
    if (time.isBefore(Instant.EPOCH)) {
      return Instant.EPOCH;
    }
    return time.isAfter(BanEvent.MAX_TIME) ? BanEvent.MAX_TIME : ShownBans.end(time);
  }

  private static boolean hasZone(String text) {
    int clock = text.indexOf('T');
    return text.indexOf('Z', clock) > 0
        || text.indexOf('z', clock) > 0
        || text.indexOf('+', clock) > 0
        || text.indexOf('-', clock) > 0;
  }

  private static String firstLine(String text) {
    return text.lines().findFirst().orElse("");
  }

  private static String shown(String text) {
    String cut = text.length() > MAX_SHOWN_CHARS ? text.substring(0, MAX_SHOWN_CHARS) + '…' : text;
    return cut.codePoints()
        .map(c -> Character.isISOControl(c) ? '?' : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }
}
