package io.ipsentry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import com.google.protobuf.Duration;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.enforcer.LeakCounter;
import io.ipsentry.enforcer.kernel.ForwardedForFilter;
import io.ipsentry.enforcer.kernel.PacketFilter.DropCounters;
import io.ipsentry.proto.v1.DropCount;
import io.ipsentry.proto.v1.EnforcerStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The bans in the kernel, as {@code status} and {@code doctor} tell of them. */
final class EnforcerReport {
  private static final int MAX_LEFT_OUT = 100;
  private static final int MAX_SHOWN = 3;

  private EnforcerReport() {}

  /** As {@code StatusService} tells it. */
  static EnforcerStatus toProto(
      io.ipsentry.enforcer.sync.EnforcerStatus status, LeakCounter.Leaks leaks) {
    EnforcerStatus.Builder message =
        EnforcerStatus.newBuilder()
            .setBackend(status.backend())
            .setDecided(status.decided())
            .setEnforced(status.enforced())
            .setMissing(status.missing())
            .setForeign(status.foreign())
            .setWrongEnd(status.wrongEnd())
            .setLastDuration(toProto(status.lastDuration()))
            .setRepairs(status.repairs())
            .setMended(status.mended())
            .setFailure(status.failure().map(it -> it.message()).orElse(""))
            .setHead(status.head())
            .setWaiting(status.waiting())
            .setLag(toProto(status.lag()))
            .setCarvedBans(status.carvedBans())
            .setLeakedLines(leaks.lines())
            .setLeakedChecks(leaks.checks())
            .setLastLeak(leaks.last())
            .setMismatch(status.mismatch())
            .setHeadersLeftOut(status.headersLeftOut());
    DropCounters drops = status.drops();
    message.addDrops(drops(EnforcerMetrics.IPV4, drops.packets4(), drops.bytes4()));
    message.addDrops(drops(EnforcerMetrics.IPV6, drops.packets6(), drops.bytes6()));
    status.lastSync().ifPresent(at -> message.setLastSync(WireMessages.toProto(at)));
    status.leftOut().stream()
        .limit(MAX_LEFT_OUT)
        .forEach(prefix -> message.addLeftOut(prefix.toString()));
    return message.build();
  }

  private static DropCount drops(String family, long packets, long bytes) {
    return DropCount.newBuilder().setFamily(family).setPackets(packets).setBytes(bytes).build();
  }

  private static Duration toProto(java.time.Duration duration) {
    return Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }

  /** For people, each a line: how many are enforced, what was dropped, and what is amiss. */
  static List<String> lines(EnforcerStatus status) {
    List<String> lines = new ArrayList<>();
    long packets = status.getDropsList().stream().mapToLong(DropCount::getPackets).sum();
    long bytes = status.getDropsList().stream().mapToLong(DropCount::getBytes).sum();
    lines.add(
        status.getEnforced()
            + " of "
            + status.getDecided()
            + " in the kernel"
            + (status.getBackend().isEmpty() ? "" : " (" + status.getBackend() + ")")
            + ", "
            + packets
            + " packets dropped, "
            + StatusCommand.bytes(bytes));
    if (status.getRepairs() + status.getMended() > 0) {
      lines.add(
          status.getRepairs()
              + " elements and "
              + status.getMended()
              + " rules and sets were put right that others had changed");
    }
    if (status.getLeftOutCount() > 0) {
      lines.add(leftOut(status));
    }
    if (status.getHeadersLeftOut() > 0) {
      lines.add(headersLeftOut(status));
    }
    if (leaked(status) > 0) {
      lines.add(leak(status));
    }
    if (!status.getMismatch().isEmpty()) {
      lines.add(status.getMismatch());
    }
    return lines;
  }

  private static String leftOut(EnforcerStatus status) {
    List<String> shown = status.getLeftOutList().stream().limit(MAX_SHOWN).toList();
    int more = status.getLeftOutCount() - shown.size();
    return "not enforced, since too many spared addresses lie in it: "
        + String.join(", ", shown)
        + (more > 0 ? " and " + more + " more" : "");
  }

  private static String headersLeftOut(EnforcerStatus status) {
    return status.getHeadersLeftOut()
        + " bans are not looked for in X-Forwarded-For, only the newest "
        + ForwardedForFilter.MAX_BANS
        + " of those that can be";
  }

  private static long leaked(EnforcerStatus status) {
    return status.getLeakedLines() + status.getLeakedChecks();
  }

  private static String leak(EnforcerStatus status) {
    return leaked(status)
        + " requests came through although their address had been in the kernel for more than a"
        + " second, the last of "
        + status.getLastLeak();
  }

  /** What lets packets of banned clients through, and what to do, one a line of thought. */
  private static String leakRemedy(EnforcerStatus status) {
    long packets = status.getDropsList().stream().mapToLong(DropCount::getPackets).sum();
    if (packets > 0) {
      return "other packets are dropped, so the way is right: a few requests may have been under"
          + " way; if it goes on, look whether enforcer.ports has the port they come to, and"
          + " whether they come from another network namespace or by a proxy on this host";
    }
    return "not a single packet was dropped, so they take another way: a load balancer that hides"
        + " their address (preserve it, or write trustedProxies and refuse them at the gateway),"
        + " an XDP or eBPF data path that passes netfilter by (enforce on another node, or at the"
        + " gateway), or a gateway that runs on another host (run ip-sentry enforcer there)";
  }

  static void json(EnforcerStatus status, JsonGenerator json) throws IOException {
    json.writeObjectFieldStart("enforcer");
    json.writeStringField("backend", status.getBackend());
    json.writeNumberField("decided", status.getDecided());
    json.writeNumberField("enforced", status.getEnforced());
    json.writeNumberField("missing", status.getMissing());
    json.writeNumberField("foreign", status.getForeign());
    json.writeNumberField("wrong_end", status.getWrongEnd());
    json.writeObjectFieldStart("drops");
    for (DropCount drops : status.getDropsList()) {
      json.writeObjectFieldStart(drops.getFamily());
      json.writeNumberField("packets", drops.getPackets());
      json.writeNumberField("bytes", drops.getBytes());
      json.writeEndObject();
    }
    json.writeEndObject();
    if (status.hasLastSync()) {
      JsonLines.time(json, "last_sync", WireMessages.time(status.getLastSync()));
    } else {
      json.writeNullField("last_sync");
    }
    json.writeNumberField("read_back_seconds", seconds(status.getLastDuration()));
    json.writeNumberField("repairs", status.getRepairs());
    json.writeNumberField("mended", status.getMended());
    json.writeStringField("failure", status.getFailure());
    json.writeNumberField("head", status.getHead());
    json.writeNumberField("waiting", status.getWaiting());
    json.writeNumberField("lag_seconds", seconds(status.getLag()));
    json.writeNumberField("carved_bans", status.getCarvedBans());
    json.writeNumberField("leaked_lines", status.getLeakedLines());
    json.writeNumberField("leaked_checks", status.getLeakedChecks());
    json.writeStringField("last_leak", status.getLastLeak());
    json.writeStringField("mismatch", status.getMismatch());
    json.writeNumberField("headers_left_out", status.getHeadersLeftOut());
    json.writeArrayFieldStart("left_out");
    for (String prefix : status.getLeftOutList()) {
      json.writeString(prefix);
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static double seconds(Duration duration) {
    return duration.getSeconds() + duration.getNanos() / 1e9;
  }

  /** What {@code doctor} says. */
  static List<Finding> findings(EnforcerStatus status) {
    String check = "enforcer";
    if (!status.getFailure().isEmpty()) {
      return List.of(
          Finding.fail(check, status.getFailure(), "what is in the kernel stays meanwhile"));
    }
    if (!status.hasLastSync()) {
      return List.of(
          Finding.warn(check, "the kernel is not synchronised yet", "ask again in a moment"));
    }
    List<Finding> findings = new ArrayList<>();
    findings.add(Finding.ok(check, lines(status).getFirst()));
    if (status.getRepairs() + status.getMended() > 0) {
      findings.add(
          Finding.warn(
              check,
              lines(status).get(1),
              "find out who flushes or changes our sets and rules; they are repaired each"
                  + " enforcer.interval"));
    }
    if (status.getLeftOutCount() > 0) {
      findings.add(
          Finding.warn(check, leftOut(status), "ban smaller prefixes, or protect fewer addresses"));
    }
    if (status.getHeadersLeftOut() > 0) {
      findings.add(
          Finding.warn(
              check,
              headersLeftOut(status),
              "have the gateway ask ip-sentry (authz), which knows all of them"));
    }
    if (!status.getMismatch().isEmpty()) {
      findings.add(
          Finding.warn(check, status.getMismatch(), "set enforcer.backend, or leave it as it is"));
    }
    if (leaked(status) > 0) {
      findings.add(Finding.warn(check, leak(status), leakRemedy(status)));
    }
    return findings;
  }
}
