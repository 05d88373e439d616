package io.ipsentry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.cli.Table.Column;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.sink.SinkStatus;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.IOException;
import java.util.List;
import java.util.function.ToLongFunction;

/** How the sinks are doing: for the admin API, for people, as JSON and as metrics. Stateless. */
final class SinkReport {
  private SinkReport() {}

  static io.ipsentry.proto.v1.SinkStatus toProto(SinkStatus sink) {
    io.ipsentry.proto.v1.SinkStatus.Builder message =
        io.ipsentry.proto.v1.SinkStatus.newBuilder()
            .setName(sink.name())
            .setKind(sink.kind())
            .setPosition(sink.position())
            .setBacklog(sink.backlog())
            .setPending(sink.pending())
            .setEntries(sink.entries())
            .setLeftOut(sink.leftOut())
            .setDelivered(sink.delivered())
            .setPassedOver(sink.passedOver())
            .setFailures(sink.failures())
            .setProblem(sink.problem())
            .setLastError(sink.lastError());
    sink.lastErrorAt().ifPresent(at -> message.setLastErrorAt(WireMessages.toProto(at)));
    sink.lastDone().ifPresent(at -> message.setLastDone(WireMessages.toProto(at)));
    return message.build();
  }

  static void json(GetStatusResponse status, JsonGenerator json) throws IOException {
    json.writeArrayFieldStart("sinks");
    for (io.ipsentry.proto.v1.SinkStatus sink : status.getSinksList()) {
      json.writeStartObject();
      json.writeStringField("name", sink.getName());
      json.writeStringField("kind", sink.getKind());
      json.writeNumberField("position", sink.getPosition());
      json.writeNumberField("backlog", sink.getBacklog());
      json.writeNumberField("pending", sink.getPending());
      json.writeNumberField("entries", sink.getEntries());
      json.writeNumberField("left_out", sink.getLeftOut());
      json.writeNumberField("delivered", sink.getDelivered());
      json.writeNumberField("passed_over", sink.getPassedOver());
      json.writeNumberField("failures", sink.getFailures());
      json.writeStringField("problem", sink.getProblem());
      json.writeStringField("last_error", sink.getLastError());
      if (sink.hasLastErrorAt()) {
        JsonLines.time(json, "last_error_at", WireMessages.time(sink.getLastErrorAt()));
      } else {
        json.writeNullField("last_error_at");
      }
      if (sink.hasLastDone()) {
        JsonLines.time(json, "last_done", WireMessages.time(sink.getLastDone()));
      } else {
        json.writeNullField("last_done");
      }
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  /** A table; nothing if there are no sinks. */
  static void print(GetStatusResponse status, Shell shell) {
    if (status.getSinksCount() == 0) {
      return;
    }
    shell.out().println();
    Table table =
        Table.on(
            shell,
            Column.flexible("SINK"),
            Column.text("KIND"),
            Column.number("POSITION"),
            Column.number("BACKLOG"),
            Column.number("PENDING"),
            Column.number("ENTRIES"),
            Column.number("LEFT OUT"),
            Column.number("FAILURES"),
            Column.flexible("LAST ERROR"));
    for (io.ipsentry.proto.v1.SinkStatus sink : status.getSinksList()) {
      table.row(
          sink.getName(),
          sink.getKind(),
          String.valueOf(sink.getPosition()),
          String.valueOf(sink.getBacklog()),
          String.valueOf(sink.getPending()),
          String.valueOf(sink.getEntries()),
          String.valueOf(sink.getLeftOut() + sink.getPassedOver()),
          String.valueOf(sink.getFailures()),
          lastError(sink, shell));
    }
    table.flush();
  }

  private static String lastError(io.ipsentry.proto.v1.SinkStatus sink, Shell shell) {
    if (!sink.getProblem().isEmpty()) {
      return "failing: " + sink.getProblem();
    }
    if (sink.getLastError().isEmpty()) {
      return "";
    }
    return Times.format(
            java.time.Duration.between(
                WireMessages.time(sink.getLastErrorAt()), shell.clock().instant()))
        + " ago: "
        + sink.getLastError();
  }

  /** One series a sink of each; without points when there are none. */
  static List<MetricSnapshot> metrics(List<SinkStatus> sinks) {
    return List.of(
        gauge(
            "ip_sentry_sink_position",
            "Number of the event up to which a sink has taken everything",
            sinks,
            SinkStatus::position),
        gauge(
            "ip_sentry_sink_backlog_events",
            "Events that a sink has not taken yet",
            sinks,
            SinkStatus::backlog),
        gauge(
            "ip_sentry_sink_pending_changes",
            "Changes that are to be made at a sink",
            sinks,
            SinkStatus::pending),
        gauge("ip_sentry_sink_entries", "Entries of ours at a sink", sinks, SinkStatus::entries),
        gauge(
            "ip_sentry_sink_left_out",
            "Bans that have no entry at a sink",
            sinks,
            SinkStatus::leftOut),
        gauge(
            "ip_sentry_sink_failing",
            "1 while a sink cannot go on",
            sinks,
            sink -> sink.problem().isEmpty() ? 0 : 1),
        counter(
            "ip_sentry_sink_delivered",
            "Events that a sink has taken, or changes made there",
            sinks,
            SinkStatus::delivered),
        counter(
            "ip_sentry_sink_passed_over",
            "Events that a sink was never told of",
            sinks,
            SinkStatus::passedOver),
        counter(
            "ip_sentry_sink_failures", "Calls of a sink that failed", sinks, SinkStatus::failures));
  }

  private static MetricSnapshot gauge(
      String name, String help, List<SinkStatus> sinks, ToLongFunction<SinkStatus> value) {
    GaugeSnapshot.Builder metric = GaugeSnapshot.builder().name(name).help(help);
    for (SinkStatus sink : sinks) {
      metric.dataPoint(
          GaugeDataPointSnapshot.builder()
              .labels(labels(sink))
              .value((double) value.applyAsLong(sink))
              .build());
    }
    return metric.build();
  }

  private static MetricSnapshot counter(
      String name, String help, List<SinkStatus> sinks, ToLongFunction<SinkStatus> value) {
    CounterSnapshot.Builder metric = CounterSnapshot.builder().name(name).help(help);
    for (SinkStatus sink : sinks) {
      metric.dataPoint(
          CounterDataPointSnapshot.builder()
              .labels(labels(sink))
              .value((double) value.applyAsLong(sink))
              .build());
    }
    return metric.build();
  }

  private static Labels labels(SinkStatus sink) {
    return Labels.of("sink", sink.name(), "kind", sink.kind());
  }
}
