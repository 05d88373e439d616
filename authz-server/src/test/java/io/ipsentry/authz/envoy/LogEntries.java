package io.ipsentry.authz.envoy;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import com.google.protobuf.UInt32Value;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.Node;
import io.envoyproxy.envoy.config.core.v3.RequestMethod;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogCommon;
import io.envoyproxy.envoy.data.accesslog.v3.AccessLogType;
import io.envoyproxy.envoy.data.accesslog.v3.HTTPAccessLogEntry;
import io.envoyproxy.envoy.data.accesslog.v3.HTTPRequestProperties;
import io.envoyproxy.envoy.data.accesslog.v3.HTTPResponseProperties;
import io.envoyproxy.envoy.data.accesslog.v3.ResponseFlags;
import io.envoyproxy.envoy.data.accesslog.v3.TCPAccessLogEntry;
import io.envoyproxy.envoy.service.accesslog.v3.StreamAccessLogsMessage;
import java.time.Instant;
import java.util.List;

/** Access-log messages with the fields that Envoy fills, in the way it fills them. */
final class LogEntries {
  static final Instant START = Instant.parse("2026-11-26T06:59:59.123Z");

  private LogEntries() {}

  /** A probe that a backend answered with 404. */
  static HTTPAccessLogEntry.Builder probe(String client) {
    return HTTPAccessLogEntry.newBuilder()
        .setProtocolVersion(HTTPAccessLogEntry.HTTPVersion.HTTP11)
        .setCommonProperties(
            AccessLogCommon.newBuilder()
                .setSampleRate(1)
                .setDownstreamRemoteAddress(socket(client))
                .setDownstreamDirectRemoteAddress(socket("10.0.0.1"))
                .setDownstreamLocalAddress(socket("10.0.0.5"))
                .setStartTime(
                    Timestamp.newBuilder()
                        .setSeconds(START.getEpochSecond())
                        .setNanos(START.getNano()))
                .setDuration(Duration.newBuilder().setNanos(5_000_000))
                .setResponseFlags(ResponseFlags.getDefaultInstance())
                .setAccessLogType(AccessLogType.DownstreamEnd)
                .setStreamId("6f1e"))
        .setRequest(
            HTTPRequestProperties.newBuilder()
                .setRequestMethod(RequestMethod.GET)
                .setScheme("https")
                .setAuthority("app.example")
                .setPath("/.env")
                .setUserAgent("curl/8.5.0")
                .setForwardedFor(client)
                .putRequestHeaders("x", "y"))
        .setResponse(
            HTTPResponseProperties.newBuilder()
                .setResponseCode(UInt32Value.of(404))
                .setResponseCodeDetails("via_upstream"));
  }

  /** A message of HTTP entries; the name only where it is not empty. */
  static StreamAccessLogsMessage http(String logName, List<HTTPAccessLogEntry> entries) {
    return named(logName)
        .setHttpLogs(
            StreamAccessLogsMessage.HTTPAccessLogEntries.newBuilder().addAllLogEntry(entries))
        .build();
  }

  /** A message of entries about connections. */
  static StreamAccessLogsMessage tcp(String logName, int count) {
    StreamAccessLogsMessage.TCPAccessLogEntries.Builder entries =
        StreamAccessLogsMessage.TCPAccessLogEntries.newBuilder();
    for (int i = 0; i < count; i++) {
      entries.addLogEntry(
          TCPAccessLogEntry.newBuilder()
              .setCommonProperties(probe("203.0.113.7").getCommonProperties()));
    }
    return named(logName).setTcpLogs(entries).build();
  }

  private static StreamAccessLogsMessage.Builder named(String logName) {
    StreamAccessLogsMessage.Builder message = StreamAccessLogsMessage.newBuilder();
    if (!logName.isEmpty()) {
      message.setIdentifier(
          StreamAccessLogsMessage.Identifier.newBuilder()
              .setLogName(logName)
              .setNode(Node.newBuilder().setId("envoy-1").setCluster("edge")));
    }
    return message;
  }

  static Address socket(String address) {
    return Address.newBuilder()
        .setSocketAddress(SocketAddress.newBuilder().setAddress(address).setPortValue(51_324))
        .build();
  }
}
