package io.ipsentry.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.ban.BanEventJson;
import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** What other programs read of who is banned. */
enum ExportFormat {
  /** An address or prefix a line. */
  PLAIN((out, now) -> entry -> out.println(entry.ip())),
  /** A table with two sets, for {@code nft -f}. */
  NFT((out, now) -> new NftSets(out)),
  /** Two sets, for {@code ipset restore}. */
  IPSET((out, now) -> new IpsetSets(out)),
  /** For an {@code include} in a server of nginx. */
  NGINX((out, now) -> entry -> out.println("deny " + entry.ip() + ";")),
  /** A list, for {@code cscli decisions import}. */
  CROWDSEC(CrowdsecList::new),
  /** An object a line. */
  JSON((out, now) -> new JsonObjects(out));

  private final BiFunction<PrintStream, Instant, Writer> writer;

  ExportFormat(BiFunction<PrintStream, Instant, Writer> writer) {
    this.writer = writer;
  }

  /**
   * Somebody who is banned.
   *
   * @param until null: for ever, or as long as the feed has it
   * @param rule name of the rule, or of the feed
   */
  record Entry(IpPrefix ip, @Nullable Instant until, String rule, String reason) {}

  /** Is given the entries, those of one prefix perhaps several times. */
  @FunctionalInterface
  interface Writer {
    void entry(Entry entry);

    /** After the last one. */
    default void end() {}
  }

  /** Begins a document. */
  Writer begin(PrintStream out, Instant now) {
    return writer.apply(out, now);
  }

  String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }

  static List<String> wireNames() {
    return Arrays.stream(values()).map(ExportFormat::wireName).toList();
  }

  static Optional<ExportFormat> of(String wireName) {
    return Arrays.stream(values()).filter(it -> it.wireName().equals(wireName)).findFirst();
  }

  private static final class NftSets implements Writer {
    private static final String TABLE = "inet ip-sentry-export";
    private final PrintStream out;

    NftSets(PrintStream out) {
      this.out = out;
      out.println("table " + TABLE + " {");
      out.println("  set banned4 { type ipv4_addr; flags interval; auto-merge; }");
      out.println("  set banned6 { type ipv6_addr; flags interval; auto-merge; }");
      out.println("}");
      out.println("flush set " + TABLE + " banned4");
      out.println("flush set " + TABLE + " banned6");
    }

    @Override
    public void entry(Entry entry) {
      out.println(
          "add element "
              + TABLE
              + (entry.ip().isV4() ? " banned4 { " : " banned6 { ")
              + entry.ip()
              + " }");
    }
  }

  private static final class IpsetSets implements Writer {
    private final PrintStream out;

    IpsetSets(PrintStream out) {
      this.out = out;
      for (String family : List.of("4 hash:net family inet", "6 hash:net family inet6")) {
        out.println("create ip-sentry-export" + family + " maxelem 16777216 -exist");
        out.println("flush ip-sentry-export" + family.charAt(0));
      }
    }

    @Override
    public void entry(Entry entry) {
      out.println(
          "add ip-sentry-export" + (entry.ip().isV4() ? "4 " : "6 ") + entry.ip() + " -exist");
    }
  }

  private static final class CrowdsecList implements Writer {
    /** CrowdSec knows no decision without an end. */
    private static final Duration FOR_EVER = Duration.ofDays(3_650);

    private final JsonGenerator json;
    private final Instant now;

    CrowdsecList(PrintStream out, Instant now) {
      this.now = now;
      try {
        json = new JsonFactory().createGenerator(out);
        json.writeStartArray();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void entry(Entry entry) {
      Instant until = entry.until();
      Duration left = until == null ? FOR_EVER : Duration.between(now, until);
      if (left.isNegative()) {
        return;
      }
      try {
        json.writeStartObject();
        json.writeStringField("duration", left.toSeconds() + 1 + "s");
        json.writeStringField("scope", entry.ip().isAddress() ? "ip" : "range");
        json.writeStringField("type", "ban");
        json.writeStringField("value", entry.ip().toString());
        json.writeStringField("reason", "ip-sentry/" + entry.rule());
        json.writeEndObject();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void end() {
      try {
        json.writeEndArray();
        json.writeRaw('\n');
        json.flush();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static final class JsonObjects implements Writer {
    private final JsonLines lines;

    JsonObjects(PrintStream out) {
      lines = new JsonLines(out);
    }

    @Override
    public void entry(Entry entry) {
      lines.object(json -> {
        json.writeStringField("ip", entry.ip().toString());
        Instant until = entry.until();
        json.writeStringField("until", until == null ? null : BanEventJson.formatTime(until));
        json.writeStringField("rule", entry.rule());
        json.writeStringField("reason", entry.reason());
      });
    }
  }
}
