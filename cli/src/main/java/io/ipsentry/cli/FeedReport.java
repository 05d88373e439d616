package io.ipsentry.cli;

import static io.ipsentry.cli.IntakeMetrics.gauge;

import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.ban.FeedPrefixes;
import io.ipsentry.cli.Table.Column;
import io.ipsentry.feed.FeedAction;
import io.ipsentry.watcher.feed.FeedStatus;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** What is told of feeds: on the wire, as metrics, to people. Stateless. */
final class FeedReport {
  private static final String LABEL = "feed";

  private FeedReport() {}

  /** The message of a feed. */
  static io.ipsentry.proto.v1.FeedStatus toProto(FeedStatus feed) {
    io.ipsentry.proto.v1.FeedStatus.Builder message =
        io.ipsentry.proto.v1.FeedStatus.newBuilder()
            .setName(feed.name())
            .setOrigin(feed.origin())
            .setAction(feed.action().wireName())
            .setEntries(feed.entries())
            .setProtectedPrefixes(feed.spared())
            .setFetches(feed.fetches())
            .setFailed(feed.failed())
            .setRefused(feed.refused())
            .setBadLines(feed.badLines())
            .setProblem(feed.problem());
    @Nullable Instant changed = feed.changedAt();
    if (changed != null) {
      message.setChangedAt(WireMessages.toProto(changed));
    }
    @Nullable Instant confirmed = feed.confirmedAt();
    if (confirmed != null) {
      message.setConfirmedAt(WireMessages.toProto(confirmed));
    }
    @Nullable Instant next = feed.nextAt();
    if (next != null) {
      message.setNextAt(WireMessages.toProto(next));
    }
    return message.build();
  }

  /** Metrics of the process that fetches. */
  static List<MetricSnapshot> metrics(List<FeedStatus> feeds, Instant now) {
    if (feeds.isEmpty()) {
      return List.of();
    }
    List<MetricSnapshot> all = new ArrayList<>();
    all.add(
        gauges(
            "ip_sentry_feed_entries",
            "Prefixes of a feed that are kept",
            feeds,
            feed -> (double) feed.entries()));
    all.add(
        gauges(
            "ip_sentry_feed_age_seconds",
            "Time since the source of a feed last confirmed its content",
            feeds.stream().filter(feed -> feed.confirmedAt() != null).toList(),
            feed -> {
              Instant confirmed = feed.confirmedAt();
              return confirmed == null ? 0 : Duration.between(confirmed, now).toMillis() / 1e3;
            }));
    all.add(
        gauges(
            "ip_sentry_feed_up",
            "Whether the last fetch of a feed did well",
            feeds,
            feed -> feed.problem().isEmpty() ? 1 : 0));
    all.add(counters("ip_sentry_feed_fetches", "Fetches of a feed", feeds, FeedStatus::fetches));
    all.add(
        counters(
            "ip_sentry_feed_fetch_failures",
            "Fetches of a feed that failed",
            feeds,
            FeedStatus::failed));
    all.add(
        counters(
            "ip_sentry_feed_refused",
            "Lists of a feed that were not believed",
            feeds,
            FeedStatus::refused));
    return all;
  }

  private static MetricSnapshot gauges(
      String name, String help, List<FeedStatus> feeds, ToDoubleFunction<FeedStatus> value) {
    GaugeSnapshot.Builder gauge = GaugeSnapshot.builder().name(name).help(help);
    for (FeedStatus feed : feeds) {
      gauge.dataPoint(
          GaugeDataPointSnapshot.builder()
              .labels(Labels.of(LABEL, feed.name()))
              .value(value.applyAsDouble(feed))
              .build());
    }
    return gauge.build();
  }

  private static MetricSnapshot counters(
      String name, String help, List<FeedStatus> feeds, ToLongFunction<FeedStatus> value) {
    CounterSnapshot.Builder counter = CounterSnapshot.builder().name(name).help(help);
    for (FeedStatus feed : feeds) {
      counter.dataPoint(
          CounterDataPointSnapshot.builder()
              .labels(Labels.of(LABEL, feed.name()))
              .value((double) value.applyAsLong(feed))
              .build());
    }
    return counter.build();
  }

  /** Metrics of a process that enforces feeds or refuses by them. */
  static List<MetricSnapshot> inForce(FeedPrefixes feeds, int failing) {
    GaugeSnapshot.Builder prefixes =
        GaugeSnapshot.builder()
            .name("ip_sentry_feed_prefixes")
            .help("Prefixes of a feed that are in force here");
    for (FeedPrefixes.Feed feed : feeds.feeds()) {
      prefixes.dataPoint(
          GaugeDataPointSnapshot.builder()
              .labels(Labels.of(LABEL, feed.name()))
              .value(feed.prefixes().size())
              .build());
    }
    return List.of(
        prefixes.build(),
        gauge(
            "ip_sentry_feeds_failing",
            "Feeds that are not as the log says, because they cannot be loaded",
            failing));
  }

  /** The feeds of a status as a table, below an empty line; nothing if there are none. */
  static void print(List<io.ipsentry.proto.v1.FeedStatus> feeds, Shell shell) {
    if (feeds.isEmpty()) {
      return;
    }
    shell.out().println();
    Table table =
        Table.on(
            shell,
            Column.flexible("FEED"),
            Column.text("ACTION"),
            Column.number("PREFIXES"),
            Column.text("CONFIRMED"),
            Column.flexible("PROBLEM"));
    for (io.ipsentry.proto.v1.FeedStatus feed : feeds) {
      table.row(
          Printable.of(feed.getName()),
          feed.getAction(),
          String.valueOf(feed.getEntries()),
          feed.hasConfirmedAt() ? Times.format(WireMessages.time(feed.getConfirmedAt())) : "never",
          Printable.of(feed.getProblem()));
    }
    table.flush();
  }

  /** What {@code doctor} says of feeds. */
  static List<Finding> findings(List<io.ipsentry.proto.v1.FeedStatus> feeds) {
    return feeds.stream()
        .map(feed -> {
          String check = "feed " + feed.getName();
          String confirmed =
              feed.hasConfirmedAt()
                  ? "confirmed " + Times.format(WireMessages.time(feed.getConfirmedAt()))
                  : "never fetched";
          return feed.getProblem().isEmpty()
              ? Finding.ok(check, feed.getEntries() + " prefixes, " + confirmed)
              : Finding.warn(
                      check,
                      feed.getProblem() + "; " + feed.getEntries() + " prefixes hold, " + confirmed,
                      "look at "
                          + feed.getOrigin()
                          + "; if the list is right as it is, change minimumEntries or"
                          + " maxShrinkPercent")
                  .because(
                      feed.getAction().equals(FeedAction.PROTECT.wireName())
                          ? "what is known of it holds, and ages: new addresses of the CDN may be"
                              + " banned"
                          : "what is known of it holds only until it expires");
        })
        .toList();
  }

  /** The fields of a feed of a status. */
  static void json(JsonGenerator json, io.ipsentry.proto.v1.FeedStatus feed) throws IOException {
    json.writeStartObject();
    json.writeStringField("name", feed.getName());
    json.writeStringField("origin", feed.getOrigin());
    json.writeStringField("action", feed.getAction());
    json.writeNumberField("entries", feed.getEntries());
    json.writeNumberField("protected_prefixes", feed.getProtectedPrefixes());
    time(json, "changed_at", feed.hasChangedAt() ? feed.getChangedAt() : null);
    time(json, "confirmed_at", feed.hasConfirmedAt() ? feed.getConfirmedAt() : null);
    time(json, "next_at", feed.hasNextAt() ? feed.getNextAt() : null);
    json.writeNumberField("fetches", feed.getFetches());
    json.writeNumberField("failed", feed.getFailed());
    json.writeNumberField("refused", feed.getRefused());
    json.writeNumberField("bad_lines", feed.getBadLines());
    json.writeStringField("problem", feed.getProblem());
    json.writeEndObject();
  }

  private static void time(
      JsonGenerator json, String name, com.google.protobuf.@Nullable Timestamp time)
      throws IOException {
    JsonLines.time(json, name, time == null ? null : WireMessages.time(time));
  }
}
