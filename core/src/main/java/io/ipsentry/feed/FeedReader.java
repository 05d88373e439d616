package io.ipsentry.feed;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads lists of addresses: in one pass, within {@link FeedOptions#MAX_BYTES} and {@link
 * FeedOptions#MAX_ENTRIES}. What is compressed with gzip is decompressed. Lines that cannot be read
 * are left out and told; a list with too many of them is refused, for it is probably no list.
 * Stateless.
 */
public final class FeedReader {
  /** Looked at to recognise a format; comments before the first entry are no longer than this. */
  private static final int HEAD = 32 << 10;

  private static final int[] GZIP = {0x1f, 0x8b};
  private static final int[] BYTE_ORDER_MARK = {0xef, 0xbb, 0xbf};
  private static final JsonFactory JSON = new JsonFactory();

  private FeedReader() {}

  /**
   * Reads a list, and leaves the stream open.
   *
   * @param now ends of entries are counted from here
   */
  public static FeedReading read(InputStream list, FeedOptions options, Instant now) {
    FeedEntries entries = new FeedEntries(now);
    try {
      InputStream in = decompressed(new BufferedInputStream(list));
      BufferedInputStream text =
          new BufferedInputStream(new LimitedStream(in, FeedOptions.MAX_BYTES), HEAD);
      skip(text, BYTE_ORDER_MARK);
      String head = head(text);
      FeedFormat format = options.format() == FeedFormat.AUTO ? recognised(head) : options.format();
      read(text, head, options.with(format), entries);
      return judged(entries, options.with(format));
    } catch (RefusedListException e) {
      return new FeedReading.Refused(String.valueOf(e.getMessage()));
    } catch (JsonProcessingException e) {
      return new FeedReading.Refused(
          "it is no whole JSON: "
              + e.getOriginalMessage()
              + " in line "
              + (e.getLocation() == null ? 1 : e.getLocation().getLineNr()));
    } catch (EOFException | ZipException e) {
      return new FeedReading.Refused("it is compressed, and damaged or cut");
    } catch (IOException e) {
      return new FeedReading.Refused("it cannot be read: " + e.getMessage());
    }
  }

  private static InputStream decompressed(BufferedInputStream in) throws IOException {
    in.mark(GZIP.length);
    boolean compressed = in.read() == GZIP[0] && in.read() == GZIP[1];
    in.reset();
    return compressed ? new GZIPInputStream(in, 1 << 14) : in;
  }

  private static void skip(BufferedInputStream in, int[] mark) throws IOException {
    in.mark(mark.length);
    for (int b : mark) {
      if (in.read() != b) {
        in.reset();
        return;
      }
    }
  }

  private static String head(BufferedInputStream in) throws IOException {
    in.mark(HEAD);
    String head = new String(in.readNBytes(HEAD - 1), StandardCharsets.ISO_8859_1);
    in.reset();
    return head;
  }

  private static void read(InputStream in, String head, FeedOptions options, FeedEntries entries)
      throws IOException {
    EntryLimit limit = EntryLimit.DEFAULT;
    boolean isJson = startsAs(head, "[{") || head.strip().equals("null");
    switch (options.format()) {
      case AUTO, PLAIN, CIDR, NETSET, BLOCKLIST_DE -> PlainList.read(in, 0, entries, limit);
      case IPSUM -> PlainList.read(in, options.minimumLevel(), entries, limit);
      case SPAMHAUS_DROP -> SpamhausDrop.read(in, JSON, entries, limit);
      case CROWDSEC -> {
        if (isJson) {
          CrowdsecDecisions.readJson(in, JSON, entries, limit);
        } else {
          CrowdsecDecisions.readCsv(in, entries, limit);
        }
      }
      case ABUSEIPDB -> {
        if (isJson) {
          AbuseIpdbBlacklist.read(in, JSON, options.minimumConfidence(), entries, limit);
        } else {
          PlainList.read(in, 0, entries, limit);
        }
      }
    }
  }

  private static FeedReading judged(FeedEntries entries, FeedOptions options) {
    if (100L * entries.bad() > (long) options.maxBadPercent() * entries.size()) {
      return new FeedReading.Refused(
          entries.bad()
              + " of its "
              + entries.size()
              + " entries cannot be read as "
              + options.format().wireName()
              + ", more than "
              + options.maxBadPercent()
              + " %; "
              + entries.shown().getFirst());
    }
    return new FeedReading.Read(
        entries.content(),
        options.format(),
        entries.taken(),
        entries.skipped(),
        entries.bad(),
        entries.shown());
  }

  private static boolean startsAs(String head, String characters) {
    String text = head.stripLeading();
    return !text.isEmpty() && characters.indexOf(text.charAt(0)) >= 0;
  }

  /** What a list begins like. */
  private static FeedFormat recognised(String head) throws RefusedListException {
    if (startsAs(head, "<")) {
      throw new RefusedListException("it is a web page, not a list");
    }
    if (startsAs(head, "[") || head.strip().equals("null")) {
      return FeedFormat.CROWDSEC;
    }
    if (startsAs(head, "{")) {
      return recognisedJson(head.stripLeading());
    }
    String first =
        head.lines()
            .map(String::strip)
            .filter(line -> !line.isEmpty() && line.charAt(0) != '#' && line.charAt(0) != ';')
            .findFirst()
            .orElse("");
    if (first.indexOf(',') > 0 && first.indexOf('.') < 0 && first.indexOf(':') < 0) {
      return FeedFormat.CROWDSEC;
    }
    // An address and a number alone: in a list with one word a line there is no blank.
    return first.matches("[0-9a-fA-F.:/]{2,49}[ \\t]{1,8}[0-9]{1,6}")
        ? FeedFormat.IPSUM
        : FeedFormat.PLAIN;
  }

  private static FeedFormat recognisedJson(String head) throws RefusedListException {
    String line = head.lines().findFirst().orElse("");
    if (line.contains("\"cidr\"") && line.stripTrailing().endsWith("}")) {
      return FeedFormat.SPAMHAUS_DROP;
    }
    if (head.contains("\"ipAddress\"") || head.contains("\"errors\"")) {
      return FeedFormat.ABUSEIPDB;
    }
    if (head.contains("\"new\"") || head.contains("\"decisions\"") || head.contains("\"value\"")) {
      return FeedFormat.CROWDSEC;
    }
    throw new RefusedListException("it is JSON of a form that is not known; name its format");
  }
}
