package io.ipsentry.watcher;

import io.ipsentry.config.SourceConfig;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.watcher.source.FileSource;
import io.ipsentry.watcher.source.JournaldSource;
import io.ipsentry.watcher.source.LineHandler;
import io.ipsentry.watcher.source.LineHandlerFactory;
import io.ipsentry.watcher.source.LineSource;
import io.ipsentry.watcher.source.StdinSource;
import java.io.InputStream;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The sources that are read, each with the pipelines of its streams. Changed by the reading thread;
 * {@link #status} is safe for any.
 */
final class Sources implements AutoCloseable {
  private final PipelineFactory pipelines;
  private final HitSink sink;
  private final InputStream stdin;
  private final InstantSource clock;
  private final List<Open> open = new CopyOnWriteArrayList<>();
  private RuleSet rules;

  /** A source with what belongs to it. */
  private record Open(
      SourceConfig config, LineSource source, LineCounters counters, List<Stream> streams) {}

  /** Lets a stream's pipeline be found when the rules change, until the stream ends. */
  private static final class Stream implements LineHandler {
    private final LinePipeline pipeline;
    private final List<Stream> siblings;

    Stream(LinePipeline pipeline, List<Stream> siblings) {
      this.pipeline = pipeline;
      this.siblings = siblings;
    }

    @Override
    public boolean line(byte[] b, int from, int to, long observedAtMillis) {
      return pipeline.line(b, from, to, observedAtMillis);
    }

    @Override
    public boolean again(byte[] b, int from, int to) {
      return pipeline.again(b, from, to);
    }

    @Override
    public void end() {
      pipeline.end();
      siblings.remove(this);
    }

    @Override
    public String format() {
      return pipeline.format();
    }
  }

  Sources(
      PipelineFactory pipelines,
      HitSink sink,
      RuleSet rules,
      InputStream stdin,
      InstantSource clock) {
    this.pipelines = pipelines;
    this.sink = sink;
    this.rules = rules;
    this.stdin = stdin;
    this.clock = clock;
  }

  /**
   * Reads these sources from now on. One whose configuration is the same reads on; one that changed
   * goes on at its position.
   */
  void replace(List<SourceConfig> configs, RuleSet newRules) {
    rules = newRules;
    Map<String, Open> before = new LinkedHashMap<>();
    open.forEach(o -> before.put(o.config().name(), o));
    List<Open> now = new ArrayList<>();
    for (SourceConfig config : configs) {
      if (config.input() instanceof SourceConfig.Input.AccessLogService) {
        // Its entries are no lines; they come as hits.
        continue;
      }
      Open same = before.remove(config.name());
      if (same != null && same.config().equals(config)) {
        for (Stream stream : same.streams()) {
          stream.pipeline.matcher(rules.matcher(Rule.On.LOG, config.name()));
        }
        now.add(same);
      } else {
        now.add(open(config, same));
      }
    }
    before.values().forEach(gone -> gone.source().close());
    open.clear();
    open.addAll(now);
  }

  private Open open(SourceConfig config, @Nullable Open before) {
    LineCounters counters = before == null ? new LineCounters() : before.counters();
    List<Stream> streams = new ArrayList<>();
    LineSource source = source(config, counters, streams);
    if (before != null) {
      byte[] position = before.source().checkpoint();
      before.source().close();
      if (before.config().input().getClass() == config.input().getClass()) {
        source.restore(position);
      }
    }
    return new Open(config, source, counters, streams);
  }

  private LineSource source(SourceConfig config, LineCounters counters, List<Stream> streams) {
    LineHandlerFactory handlers =
        info -> {
          Stream stream =
              new Stream(pipelines.open(config, info.label(), rules, counters, sink), streams);
          streams.add(stream);
          return stream;
        };
    FileSource.StartAt startAt =
        switch (config.startAt()) {
          case BEGINNING -> FileSource.StartAt.BEGINNING;
          case END -> FileSource.StartAt.END;
        };
    return switch (config.input()) {
      case SourceConfig.Input.Files files ->
          new FileSource(config.name(), files.globs(), startAt, handlers, clock);
      case SourceConfig.Input.Journald journald ->
          new JournaldSource(config.name(), journalctl(journald.units()), startAt, handlers, clock);
      case SourceConfig.Input.Stdin standard ->
          new StdinSource(config.name(), stdin, handlers, clock);
      case SourceConfig.Input.AccessLogService service ->
          throw new IllegalArgumentException("no source of lines: " + service);
    };
  }

  private static List<String> journalctl(List<String> units) {
    List<String> command = new ArrayList<>();
    command.add("journalctl");
    units.forEach(unit -> command.add("--unit=" + unit));
    return command;
  }

  /** The sources in the order of the configuration. */
  List<LineSource> open() {
    return open.stream().map(Open::source).toList();
  }

  boolean allEnded() {
    return !open.isEmpty() && open.stream().allMatch(o -> o.source().ended());
  }

  List<WatcherStatus.Source> status() {
    return open.stream()
        .map(o ->
            new WatcherStatus.Source(
                o.source().status(),
                o.counters().unmatched(),
                o.counters().hitLines(),
                o.counters().withoutAddress()))
        .toList();
  }

  @Override
  public void close() {
    open.forEach(o -> o.source().close());
  }
}
