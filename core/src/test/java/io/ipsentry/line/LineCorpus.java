package io.ipsentry.line;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.StringJoiner;

/**
 * Sample lines with the expectation beside each: {@code resources/line/<format>.txt}.
 *
 * <pre>
 * # a remark
 * > the line
 * = client=203.0.113.7 | status=404            or: = no        when it is not of the format
 * </pre>
 *
 * <p>{@code {{16 03}}} stands for bytes, {@code {{a*1000}}} for a character so many times. The
 * expectation names every field that is present, in the order of {@link #render}.
 */
final class LineCorpus {
  /** {@code latin1} holds one char for each byte. */
  record Sample(int number, String latin1, String expected) {
    byte[] line() {
      return latin1.getBytes(StandardCharsets.ISO_8859_1);
    }
  }

  private LineCorpus() {}

  static List<Sample> read(String name) {
    String text;
    try (InputStream in = LineCorpus.class.getResourceAsStream("/line/" + name + ".txt")) {
      if (in == null) {
        throw new IllegalArgumentException("no corpus " + name);
      }
      text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    List<Sample> samples = new ArrayList<>();
    byte[] line = null;
    int number = 0;
    for (String row : text.split("\n", -1)) {
      number++;
      if (row.startsWith("> ") || row.equals(">")) {
        line = bytes(row.equals(">") ? "" : row.substring(2));
      } else if (row.startsWith("= ") && line != null) {
        samples.add(
            new Sample(number, new String(line, StandardCharsets.ISO_8859_1), row.substring(2)));
        line = null;
      } else if (!row.isEmpty() && !row.startsWith("#")) {
        throw new IllegalArgumentException(name + " line " + number + ": " + row);
      }
    }
    return samples;
  }

  static byte[] bytes(String text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int at = 0;
    int open = text.indexOf("{{");
    while (open >= 0) {
      out.writeBytes(text.substring(at, open).getBytes(StandardCharsets.UTF_8));
      int close = text.indexOf("}}", open);
      String inner = text.substring(open + 2, close);
      int star = inner.indexOf('*');
      if (star > 0) {
        out.writeBytes(
            inner
                .substring(0, star)
                .repeat(Integer.parseInt(inner.substring(star + 1)))
                .getBytes(StandardCharsets.UTF_8));
      } else {
        out.writeBytes(HexFormat.ofDelimiter(" ").parseHex(inner));
      }
      at = close + 2;
      open = text.indexOf("{{", at);
    }
    out.writeBytes(text.substring(at).getBytes(StandardCharsets.UTF_8));
    return out.toByteArray();
  }

  /** All present fields of the facts as text. */
  static String render(RequestFacts facts) {
    StringJoiner out = new StringJoiner(" | ");
    add(out, "client", facts.client());
    add(out, "peer", facts.peer());
    add(out, "forwarded", facts.forwardedFor());
    if (facts.time().isPresent()) {
      long at =
          facts.timeFormat().parse(facts.time().array(), facts.time().from(), facts.time().to());
      String shown = at == RequestFacts.NO_TIME ? "none" : Instant.ofEpochMilli(at).toString();
      out.add("time=" + shown);
    }
    add(out, "method", facts.method());
    add(out, "host", facts.host());
    add(out, "target", facts.target());
    if (facts.status() != 0) {
      out.add("status=" + facts.status());
    }
    if (facts.originStatus() != 0) {
      out.add("origin=" + facts.originStatus());
    }
    add(out, "ua", facts.userAgent());
    if (facts.ownDenial()) {
      out.add("denied");
    }
    if (facts.authFailure()) {
      out.add("auth");
    }
    if (facts.addressAmbiguous()) {
      out.add("ambiguous");
    }
    return out.toString();
  }

  private static void add(StringJoiner out, String name, Slice slice) {
    if (slice.isPresent()) {
      out.add(name + "=" + printable(slice));
    }
  }

  private static String printable(Slice slice) {
    if (slice.length() > 500) {
      return slice.length() + " bytes";
    }
    StringBuilder text = new StringBuilder();
    for (char c : slice.toString().toCharArray()) {
      text.append(c < ' ' || c == 0x7f ? "{{%02x}}".formatted((int) c) : String.valueOf(c));
    }
    return text.toString();
  }
}
