package io.ipsentry.authz.envoy;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UInt32Value;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.Pipe;
import io.envoyproxy.envoy.config.core.v3.RequestMethod;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogType;
import io.envoyproxy.envoy.data.accesslog.v3.HTTPAccessLogEntry;
import io.envoyproxy.envoy.data.accesslog.v3.HTTPRequestProperties;
import io.envoyproxy.envoy.data.accesslog.v3.ResponseFlags.Unauthorized;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import io.ipsentry.line.RequestFacts;
import io.ipsentry.line.Slice;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Entries are read as the generated parser reads them. */
final class AccessLogSkimmerTest {
  /** What a reading makes of an entry; absent text is {@code "-"}. */
  private record Entry(
      String client,
      String peer,
      String forwardedFor,
      String method,
      String host,
      String target,
      String userAgent,
      int status,
      long startMillis,
      boolean ownDenial) {}

  private static final class Collected implements AccessLogSkimmer.Entries {
    final List<Entry> entries = new ArrayList<>();
    int notFinal;
    int connections;

    @Override
    public void request(RequestFacts facts) {
      entries.add(
          new Entry(
              text(facts.client()),
              text(facts.peer()),
              text(facts.forwardedFor()),
              text(facts.method()),
              text(facts.host()),
              text(facts.target()),
              text(facts.userAgent()),
              facts.status(),
              facts.runtimeMillis(),
              facts.ownDenial()));
    }

    @Override
    public void notFinal() {
      notFinal++;
    }

    @Override
    public void connection() {
      connections++;
    }

    private static String text(Slice field) {
      return field.isPresent() ? field.toString() : "-";
    }
  }

  private static Collected read(byte[] wire) {
    Collected collected = new Collected();
    assertThat(new AccessLogSkimmer().readEntries(wire, collected)).isTrue();
    return collected;
  }

  private static Entry read(HTTPAccessLogEntry.Builder entry) {
    return read(LogEntries.http("", List.of(entry.build())).toByteArray()).entries.getFirst();
  }

  @Test
  void read_asEnvoySends_hasEveryField() {
    assertThat(read(LogEntries.probe("203.0.113.7")))
        .isEqualTo(
            new Entry(
                "203.0.113.7",
                "10.0.0.1",
                "203.0.113.7",
                "GET",
                "app.example",
                "/.env",
                "curl/8.5.0",
                404,
                LogEntries.START.toEpochMilli(),
                false));
  }

  @Test
  void read_rewrittenPath_isTheOriginalOne() {
    HTTPAccessLogEntry.Builder entry = LogEntries.probe("203.0.113.7");
    entry.getRequestBuilder().setOriginalPath("/shop/.env");
    assertThat(read(entry).target()).isEqualTo("/shop/.env");
  }

  @Test
  void read_ownDenial_isKnownByDetailsAndByFlags() {
    HTTPAccessLogEntry.Builder byDetails = LogEntries.probe("203.0.113.7");
    byDetails.getResponseBuilder().setResponseCodeDetails("ext_authz_denied");
    assertThat(read(byDetails).ownDenial()).isTrue();
    HTTPAccessLogEntry.Builder byFlags = LogEntries.probe("203.0.113.7");
    byFlags
        .getCommonPropertiesBuilder()
        .getResponseFlagsBuilder()
        .setUnauthorizedDetails(
            Unauthorized.newBuilder().setReason(Unauthorized.Reason.EXTERNAL_SERVICE));
    assertThat(read(byFlags).ownDenial()).isTrue();
    HTTPAccessLogEntry.Builder failedOpen = LogEntries.probe("203.0.113.7");
    failedOpen.getResponseBuilder().setResponseCodeDetails("ext_authz_error");
    assertThat(read(failedOpen).ownDenial()).isFalse();
  }

  @Test
  void read_eachType_onlyEndsCount() {
    for (AccessLogType type : AccessLogType.values()) {
      if (type == AccessLogType.UNRECOGNIZED) {
        continue;
      }
      HTTPAccessLogEntry.Builder entry = LogEntries.probe("203.0.113.7");
      entry.getCommonPropertiesBuilder().setAccessLogType(type);
      Collected collected = read(LogEntries.http("", List.of(entry.build())).toByteArray());
      boolean last = type == AccessLogType.NotSet || type == AccessLogType.DownstreamEnd;
      assertThat(collected.entries).as(type.name()).hasSize(last ? 1 : 0);
      assertThat(collected.notFinal).as(type.name()).isEqualTo(last ? 0 : 1);
    }
  }

  @Test
  void read_eachMethod_isNamed() {
    for (RequestMethod method : RequestMethod.values()) {
      if (method == RequestMethod.UNRECOGNIZED) {
        continue;
      }
      HTTPAccessLogEntry.Builder entry = LogEntries.probe("203.0.113.7");
      entry.getRequestBuilder().setRequestMethod(method);
      String name = method == RequestMethod.METHOD_UNSPECIFIED ? "-" : method.name();
      assertThat(read(entry).method()).isEqualTo(name);
    }
    HTTPAccessLogEntry.Builder unknown = LogEntries.probe("203.0.113.7");
    unknown.getRequestBuilder().setRequestMethodValue(1_000);
    assertThat(read(unknown).method()).isEqualTo("-");
  }

  @Test
  void read_missingParts_areAbsent() {
    assertThat(read(HTTPAccessLogEntry.newBuilder()))
        .isEqualTo(new Entry("-", "-", "-", "-", "-", "-", "-", 0, RequestFacts.NO_TIME, false));
    HTTPAccessLogEntry.Builder pipe = LogEntries.probe("203.0.113.7");
    pipe.getCommonPropertiesBuilder()
        .setDownstreamRemoteAddress(
            Address.newBuilder().setPipe(Pipe.newBuilder().setPath("/run/envoy.sock")));
    assertThat(read(pipe).client()).isEqualTo("-");
  }

  @Test
  void read_connections_areCounted() {
    Collected collected = read(LogEntries.tcp("tcp", 3).toByteArray());
    assertThat(collected.connections).isEqualTo(3);
    assertThat(collected.entries).isEmpty();
  }

  @Test
  void readName_firstMessage_isItsLogName() {
    AccessLogSkimmer skimmer = new AccessLogSkimmer();
    assertThat(skimmer.readName(LogEntries.http("edge", List.of()).toByteArray())).isTrue();
    assertThat(skimmer.logName().toString()).isEqualTo("edge");
    assertThat(skimmer.readName(LogEntries.http("", List.of()).toByteArray())).isTrue();
    assertThat(skimmer.logName().isPresent()).isFalse();
  }

  @Test
  void read_brokenUtf8_hidesNothing() {
    byte[] wire =
        LogEntries.http(
                "",
                List.of(
                    LogEntries.probe("203.0.113.7").build(),
                    LogEntries.probe("203.0.113.8").build()))
            .toByteArray();
    int at = new String(wire, StandardCharsets.ISO_8859_1).indexOf("/.env");
    wire[at + 1] = (byte) 0xff;
    assertThat(read(wire).entries)
        .extracting(Entry::client)
        .containsExactly("203.0.113.7", "203.0.113.8");
  }

  @Test
  void read_randomEntries_areAsTheGeneratedParserSays() throws InvalidProtocolBufferException {
    long seed = new Random().nextLong();
    System.out.println("seed of the entries: " + seed);
    Random random = new Random(seed);
    int compared = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] wire = LogEntries.http("", List.of(random(random), random(random))).toByteArray();
      if (random.nextBoolean()) {
        wire[random.nextInt(wire.length)] = (byte) random.nextInt(256);
      }
      if (random.nextInt(8) == 0) {
        wire = Arrays.copyOf(wire, random.nextInt(wire.length));
      }
      StreamAccessLogsMessage parsed;
      try {
        parsed = StreamAccessLogsMessage.parseFrom(wire);
      } catch (InvalidProtocolBufferException e) {
        // The skimmer may take more, but must not fail otherwise.
        new AccessLogSkimmer().readEntries(wire, new Collected());
        continue;
      }
      Collected collected = read(wire);
      List<Entry> expected = new ArrayList<>();
      for (HTTPAccessLogEntry entry : parsed.getHttpLogs().getLogEntryList()) {
        AccessLogType type = entry.getCommonProperties().getAccessLogType();
        boolean last = type == AccessLogType.NotSet || type == AccessLogType.DownstreamEnd;
        if (last && !intermediate(entry)) {
          expected.add(expected(entry));
        }
      }
      assertThat(collected.entries).isEqualTo(expected);
      compared++;
    }
    assertThat(compared).isGreaterThan(5_000);
  }

  @SuppressWarnings("deprecation") // Old Envoys mark entries so, and theirs are skipped as well.
  private static boolean intermediate(HTTPAccessLogEntry entry) {
    return entry.getCommonProperties().getIntermediateLogEntry();
  }

  private static HTTPAccessLogEntry random(Random random) {
    HTTPAccessLogEntry.Builder entry = LogEntries.probe("203.0.113." + random.nextInt(256));
    entry.getRequestBuilder().setRequestMethodValue(random.nextInt(12));
    entry.getResponseBuilder().setResponseCode(UInt32Value.of(random.nextInt(1_200)));
    entry
        .getCommonPropertiesBuilder()
        .setAccessLogTypeValue(random.nextInt(3) == 0 ? random.nextInt(15) : 6);
    if (random.nextInt(4) == 0) {
      entry.getRequestBuilder().setOriginalPath("/" + random.nextInt());
    }
    if (random.nextInt(4) == 0) {
      entry.clearResponse();
    }
    return entry.build();
  }

  private static Entry expected(HTTPAccessLogEntry entry) {
    HTTPRequestProperties request = entry.getRequest();
    int number = request.getRequestMethodValue();
    String method = number > 0 && number < 10 ? RequestMethod.forNumber(number).name() : "-";
    long status = Integer.toUnsignedLong(entry.getResponse().getResponseCode().getValue());
    boolean flagged =
        entry.getCommonProperties().getResponseFlags().getUnauthorizedDetails().getReason()
            == Unauthorized.Reason.EXTERNAL_SERVICE;
    long seconds = entry.getCommonProperties().getStartTime().getSeconds();
    long start =
        seconds > 0 && seconds <= 253_402_300_799L
            ? seconds * 1_000 + entry.getCommonProperties().getStartTime().getNanos() / 1_000_000
            : RequestFacts.NO_TIME;
    return new Entry(
        text(
            entry
                .getCommonProperties()
                .getDownstreamRemoteAddress()
                .getSocketAddress()
                .getAddress()),
        text(
            entry
                .getCommonProperties()
                .getDownstreamDirectRemoteAddress()
                .getSocketAddress()
                .getAddress()),
        text(request.getForwardedFor()),
        method,
        text(request.getAuthority()),
        text(request.getOriginalPath().isEmpty() ? request.getPath() : request.getOriginalPath()),
        text(request.getUserAgent()),
        status <= 999 ? (int) status : 0,
        start,
        flagged || entry.getResponse().getResponseCodeDetails().equals("ext_authz_denied"));
  }

  private static String text(String value) {
    return value.isEmpty() ? "-" : value;
  }
}
