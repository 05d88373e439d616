package io.ipsentry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.proto.v1.ClusterStatus;
import io.ipsentry.proto.v1.EngineStatus;
import io.ipsentry.proto.v1.FeedStatus;
import io.ipsentry.proto.v1.FileStatus;
import io.ipsentry.proto.v1.GatewayServerStatus;
import io.ipsentry.proto.v1.GatewayStatus;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.LeaderDuty;
import io.ipsentry.proto.v1.RuleStatus;
import io.ipsentry.proto.v1.SourceStatus;
import io.ipsentry.proto.v1.VerdictCount;
import java.io.IOException;
import java.nio.file.Path;

/** {@code status -o json}: one object. */
final class StatusJson {
  private StatusJson() {}

  static void print(GetStatusResponse status, JsonLines lines) {
    lines.object(json -> {
      json.writeBooleanField("running", true);
      json.writeStringField("version", status.getVersion());
      JsonLines.time(json, "started_at", WireMessages.time(status.getStartedAt()));
      log(
          json,
          status.getLog().getStore(),
          status.getLog().getHead(),
          status.getLog().getActiveBans(),
          status.getLog().getAllowed());
      json.writeObjectFieldStart("config");
      json.writeStringField("file", status.getConfig().getFile());
      JsonLines.time(json, "loaded_at", WireMessages.time(status.getConfig().getLoadedAt()));
      json.writeStringField("refused", status.getConfig().getRefused());
      json.writeEndObject();
      EngineStatus engine = status.getEngine();
      json.writeObjectFieldStart("engine");
      json.writeNumberField("tracked_addresses", engine.getTrackedAddresses());
      json.writeNumberField("tracked_bytes", engine.getTrackedBytes());
      json.writeNumberField("max_tracked_bytes", engine.getMaxTrackedBytes());
      json.writeNumberField("evicted", engine.getEvicted());
      json.writeEndObject();
      json.writeArrayFieldStart("sources");
      for (SourceStatus source : status.getSourcesList()) {
        source(json, source);
      }
      json.writeEndArray();
      json.writeArrayFieldStart("rules");
      for (RuleStatus rule : status.getRulesList()) {
        rule(json, rule);
      }
      json.writeEndArray();
      json.writeArrayFieldStart("feeds");
      for (FeedStatus feed : status.getFeedsList()) {
        FeedReport.json(json, feed);
      }
      json.writeEndArray();
      SinkReport.json(status, json);
      if (status.hasGateways()) {
        gateways(json, status.getGateways());
      }
      if (status.hasEnforcer()) {
        EnforcerReport.json(status.getEnforcer(), json);
      }
      if (status.hasCluster()) {
        cluster(json, status.getCluster());
      }
      json.writeObjectFieldStart("hit_intake");
      json.writeNumberField("reporters", status.getHitIntake().getReporters());
      json.writeNumberField("hits", status.getHitIntake().getHits());
      json.writeNumberField("repeated", status.getHitIntake().getRepeated());
      json.writeEndObject();
    });
  }

  private static void cluster(JsonGenerator json, ClusterStatus cluster) throws IOException {
    json.writeObjectFieldStart("cluster");
    json.writeStringField("identity", cluster.getIdentity());
    json.writeBooleanField("leads", cluster.getLeads());
    json.writeStringField("leader", cluster.getLeader());
    json.writeStringField("leader_address", cluster.getLeaderAddress());
    json.writeNumberField("terms", cluster.getTerms());
    json.writeStringField("lease_problem", cluster.getLeaseProblem());
    json.writeStringField("full", cluster.getFull());
    json.writeNumberField("backlog_entries", cluster.getBacklogEntries());
    json.writeNumberField("backlog_bytes", cluster.getBacklogBytes());
    json.writeArrayFieldStart("duties");
    for (LeaderDuty duty : cluster.getDutiesList()) {
      json.writeStartObject();
      json.writeStringField("name", duty.getName());
      if (duty.hasLastDone()) {
        JsonLines.time(json, "last_done", WireMessages.time(duty.getLastDone()));
      } else {
        json.writeNullField("last_done");
      }
      json.writeNumberField("failures", duty.getFailures());
      json.writeStringField("problem", duty.getProblem());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void gateways(JsonGenerator json, GatewayStatus gateways) throws IOException {
    json.writeObjectFieldStart("gateways");
    json.writeArrayFieldStart("servers");
    for (GatewayServerStatus server : gateways.getServersList()) {
      json.writeStartObject();
      json.writeStringField("transport", server.getTransport());
      json.writeStringField("address", server.getAddress());
      json.writeBooleanField("tls", server.getTls());
      json.writeNumberField("in_flight", server.getInFlight());
      json.writeNumberField("overload", server.getOverload());
      json.writeNumberField("unauthenticated", server.getUnauthenticated());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("verdicts");
    for (VerdictCount count : gateways.getVerdictsList()) {
      json.writeStartObject();
      json.writeStringField("transport", count.getTransport());
      json.writeStringField("policy", count.getPolicy());
      json.writeStringField("verdict", count.getVerdict());
      json.writeNumberField("count", count.getCount());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeObjectFieldStart("access_logs");
    json.writeNumberField("streams", gateways.getAccessLogs().getStreams());
    json.writeNumberField("entries", gateways.getAccessLogs().getEntries());
    json.writeNumberField("unauthenticated", gateways.getAccessLogs().getUnauthenticated());
    json.writeNumberField("hits", gateways.getAccessLogs().getHits());
    json.writeNumberField("hits_lost", gateways.getAccessLogs().getHitsLost());
    json.writeEndObject();
    json.writeNumberField("pending_bans", gateways.getPendingBans());
    json.writeEndObject();
  }

  /** What can be told when no instance is running. */
  static void printStopped(Path store, long head, long bans, long allowed, JsonLines lines) {
    lines.object(json -> {
      json.writeBooleanField("running", false);
      log(json, store.toString(), head, bans, allowed);
    });
  }

  private static void log(JsonGenerator json, String store, long head, long bans, long allowed)
      throws IOException {
    json.writeObjectFieldStart("log");
    json.writeStringField("store", store);
    json.writeNumberField("head", head);
    json.writeNumberField("active_bans", bans);
    json.writeNumberField("allowed", allowed);
    json.writeEndObject();
  }

  private static void source(JsonGenerator json, SourceStatus source) throws IOException {
    json.writeStartObject();
    json.writeStringField("name", source.getName());
    json.writeStringField("format", source.getFormat());
    json.writeNumberField("lines", source.getLines());
    json.writeNumberField("parsed", source.getParsed());
    json.writeNumberField("missed", source.getMissed());
    json.writeNumberField("lines_per_second", Math.round(source.getLinesPerSecond() * 10) / 10.0);
    if (source.hasLag()) {
      json.writeNumberField(
          "lag_seconds", source.getLag().getSeconds() + source.getLag().getNanos() / 1e9);
    } else {
      json.writeNullField("lag_seconds");
    }
    json.writeStringField("error", source.getError());
    json.writeArrayFieldStart("files");
    for (FileStatus file : source.getFilesList()) {
      json.writeStartObject();
      json.writeStringField("path", file.getPath());
      json.writeNumberField("position", file.getPosition());
      json.writeNumberField("size", file.getSize());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void rule(JsonGenerator json, RuleStatus rule) throws IOException {
    json.writeStartObject();
    json.writeStringField("name", rule.getName());
    json.writeNumberField("hits", rule.getHits());
    json.writeNumberField("bans", rule.getBans());
    json.writeNumberField("waiting", rule.getWaiting());
    json.writeNumberField("refused", rule.getRefused());
    json.writeEndObject();
  }
}
