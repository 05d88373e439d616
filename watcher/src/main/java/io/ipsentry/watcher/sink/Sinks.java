package io.ipsentry.watcher.sink;

import io.ipsentry.config.SinkConfig;
import io.ipsentry.config.SinkConfig.Credential;
import io.ipsentry.sink.BanSink;
import io.ipsentry.sink.SinkLoop;
import io.ipsentry.sink.SinkParts;
import io.ipsentry.sink.SinkStatus;
import io.ipsentry.watcher.sink.call.HttpCalls;
import io.ipsentry.watcher.sink.cloudflare.CloudflareSink;
import io.ipsentry.watcher.sink.cloudflare.CredentialBudget;
import io.ipsentry.watcher.sink.stdout.StdoutSink;
import io.ipsentry.watcher.sink.telegram.TelegramSink;
import io.ipsentry.watcher.sink.webhook.WebhookSink;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The sinks of the configuration, each on a thread of its own. Safe for any thread. */
public final class Sinks implements AutoCloseable {
  private static final String INSTANCE = "ip-sentry";

  private final SinkParts parts;
  private final PrintStream out;

  /** By what they are; kept for as long as the process runs, for requests made count on. */
  private final Map<Credential, CredentialBudget> budgets = new HashMap<>();

  private volatile Map<SinkConfig, SinkLoop> running = Map.of();
  private boolean closed;

  /**
   * None yet.
   *
   * @param out standard output
   */
  public Sinks(SinkParts parts, PrintStream out) {
    this.parts = parts;
    this.out = out;
  }

  /** Starts those that are new or another, and ends those that are no more. */
  public synchronized void reload(List<SinkConfig> configured) {
    if (closed) {
      return;
    }
    Map<SinkConfig, SinkLoop> next = new LinkedHashMap<>();
    List<SinkLoop> ended = new ArrayList<>();
    running.forEach((config, loop) -> {
      if (!configured.contains(config)) {
        ended.add(loop);
      }
    });
    // The old one of a name ends first: two must not move one position.
    end(ended);
    for (SinkConfig config : configured) {
      SinkLoop before = running.get(config);
      next.put(
          config, before != null ? before : SinkLoop.start(config.name(), open(config), parts));
    }
    running = next;
  }

  private static void end(Iterable<SinkLoop> loops) {
    loops.forEach(SinkLoop::stop);
    loops.forEach(SinkLoop::close);
  }

  private BanSink open(SinkConfig config) {
    String logId = parts.log().id();
    String instance = config.instance().orElse(INSTANCE);
    return switch (config.target()) {
      case SinkConfig.Cloudflare cloudflare ->
          new CloudflareSink(
              cloudflare,
              config.instance().orElse(logId),
              new HttpCalls(parts.clock()),
              budgets.computeIfAbsent(cloudflare.credential(), _ -> new CredentialBudget()));
      case SinkConfig.Telegram telegram ->
          new TelegramSink(telegram, instance, logId, new HttpCalls(parts.clock()));
      case SinkConfig.Webhook webhook ->
          new WebhookSink(webhook, instance, logId, new HttpCalls(parts.clock()), parts.clock());
      case SinkConfig.Stdout stdout -> new StdoutSink(stdout, out);
    };
  }

  /** The log has gone on. Does not wait for anybody. */
  public void wake() {
    running.values().forEach(SinkLoop::wake);
  }

  /** How each is doing, in the order of the configuration. */
  public List<SinkStatus> status() {
    return running.values().stream().map(SinkLoop::status).toList();
  }

  /** Ends all. */
  @Override
  public synchronized void close() {
    closed = true;
    end(running.values());
    running = Map.of();
  }
}
