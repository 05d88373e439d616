package io.ipsentry.watcher;

import io.ipsentry.config.SourceConfig;
import io.ipsentry.detection.HitSink;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleMatcher;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.watcher.source.FileSource;
import io.ipsentry.watcher.source.JournaldSource;
import io.ipsentry.watcher.source.LineHandler;
import io.ipsentry.watcher.source.LineHandlerFactory;
import io.ipsentry.watcher.source.LineSource;
import io.ipsentry.watcher.source.PodSource;
import io.ipsentry.watcher.source.SourceStatus;
import io.ipsentry.watcher.source.StdinSource;
import io.ipsentry.watcher.source.StreamInfo;
import io.ipsentry.watcher.source.StreamStatus;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sources that are read, each with the pipelines of its streams. Changed by the reading thread;
 * {@link #status} is safe for any.
 */
final class Sources implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(Sources.class);

  private final PipelineFactory pipelines;
  private final HitSink sink;
  private final InputStream stdin;
  private final PodLogsOpener pods;
  private final InstantSource clock;
  private final @Nullable Instant recent;
  private final List<Open> open = new CopyOnWriteArrayList<>();
  private final SharedFiles shared = new SharedFiles();

  /** What {@link #status} says of streams whose lines count in another source. */
  private final Map<Label, String> notes = new ConcurrentHashMap<>();

  private RuleSet rules;

  private record Label(String source, String stream) {}

  /** A source with what belongs to it. */
  private record Open(
      SourceConfig config, LineSource source, LineCounters counters, List<Stream> streams) {}

  /** Lets a stream's pipeline be found when the rules change, until the stream ends. */
  private final class Stream implements LineHandler {
    private final StreamInfo info;
    private final LinePipeline pipeline;
    private final List<Stream> siblings;

    Stream(StreamInfo info, LinePipeline pipeline, List<Stream> siblings) {
      this.info = info;
      this.pipeline = pipeline;
      this.siblings = siblings;
    }

    void rulesChanged() {
      pipeline.matcher(Sources.this.matcher(info));
      takeNote(info);
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
      notes.remove(new Label(info.source(), info.label()));
      Path file = info.file();
      if (file != null && shared.remove(file, info.source())) {
        open.forEach(o -> o.streams().forEach(Stream::rulesChanged));
      }
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
      PodLogsOpener pods,
      InstantSource clock,
      @Nullable Instant recent) {
    this.pipelines = pipelines;
    this.sink = recent == null ? sink : since(recent, sink);
    this.recent = recent;
    this.rules = rules;
    this.stdin = stdin;
    this.pods = pods;
    this.clock = clock;
  }

  /** What was read only because it lay beside recent lines does not count. */
  private static HitSink since(Instant recent, HitSink sink) {
    long oldest = recent.toEpochMilli();
    return hit -> {
      if (hit.eventTimeMillis() >= oldest) {
        sink.hit(hit);
      }
    };
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
        now.add(same);
      } else {
        now.add(open(config, same));
      }
    }
    before.values().forEach(gone -> gone.source().close());
    shared.keepOnly(configs.stream().map(SourceConfig::name).collect(Collectors.toSet()));
    open.clear();
    open.addAll(now);
    open.forEach(o -> o.streams().forEach(Stream::rulesChanged));
  }

  /** The rules that get the lines of a stream: not those that get them from another source. */
  private RuleMatcher matcher(StreamInfo info) {
    Path file = info.file();
    return rules.matcher(
        Rule.On.LOG, info.source(), file == null ? Set.of() : shared.before(file, info.source()));
  }

  /**
   * Notes who reads the file of a new stream: the sources before its own that name it come first.
   */
  private void share(StreamInfo info) {
    Path file = info.file();
    if (file == null) {
      return;
    }
    for (Open each : open) {
      if (each.config().name().equals(info.source())) {
        break;
      }
      if (each.source() instanceof FileSource files && files.names(file)) {
        shared.add(file, each.config().name());
      }
    }
    shared.add(file, info.source());
    String note = takeNote(info);
    if (!note.isEmpty()) {
      logger
          .atWarn()
          .addKeyValue("file", file)
          .addKeyValue("source", info.source())
          .addKeyValue("note", note)
          .log("file is read by two sources; name it in one, or give the rules sources");
    }
  }

  private String takeNote(StreamInfo info) {
    String note = note(info);
    if (note.isEmpty()) {
      notes.remove(new Label(info.source(), info.label()));
    } else {
      notes.put(new Label(info.source(), info.label()), note);
    }
    return note;
  }

  /** Says which rules get a stream's lines from another source; empty: none. */
  private String note(StreamInfo info) {
    Path file = info.file();
    Set<String> others = file == null ? Set.of() : shared.before(file, info.source());
    List<String> names = rules.shared(info.source(), others);
    return names.isEmpty()
        ? ""
        : "counts in source %s for %s"
            .formatted(String.join(", ", others), String.join(", ", names));
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
          share(info);
          Stream stream =
              new Stream(
                  info,
                  pipelines.open(config, info.label(), matcher(info), counters, sink),
                  streams);
          streams.add(stream);
          return stream;
        };
    FileSource.StartAt startAt =
        switch (config.startAt()) {
          case BEGINNING -> FileSource.StartAt.BEGINNING;
          case END -> recent == null ? FileSource.StartAt.END : FileSource.StartAt.RECENT;
        };
    return switch (config.input()) {
      case SourceConfig.Input.Files files ->
          new FileSource(config.name(), files.globs(), startAt, handlers, clock);
      case SourceConfig.Input.Journald journald ->
          journal(config.name(), journalctl(journald), startAt, handlers);
      case SourceConfig.Input.Stdin standard ->
          new StdinSource(config.name(), stdin, handlers, clock);
      case SourceConfig.Input.Pods selected ->
          new PodSource(
              config.name(), pods.open(selected), windowsBegin(config.name()), handlers, clock);
      case SourceConfig.Input.AccessLogService service ->
          throw new IllegalArgumentException("no source of lines: " + service);
    };
  }

  /** Since when lines may still count for a rule that listens to a source. */
  private Instant windowsBegin(String source) {
    Duration longest =
        rules.rules().stream()
            .filter(
                rule -> rule.match().sources().isEmpty() || rule.match().sources().contains(source))
            .map(Rule::window)
            .max(Duration::compareTo)
            .orElse(Duration.ZERO);
    return clock.instant().minus(longest);
  }

  private JournaldSource journal(
      String name, List<String> command, FileSource.StartAt startAt, LineHandlerFactory handlers) {
    JournaldSource source = new JournaldSource(name, command, startAt, handlers, clock);
    if (recent != null) {
      source.since(recent);
    }
    return source;
  }

  private static List<String> journalctl(SourceConfig.Input.Journald journald) {
    List<String> command = new ArrayList<>();
    command.add("journalctl");
    journald.directory().ifPresent(directory -> command.add("--directory=" + directory));
    journald.units().forEach(unit -> command.add("--unit=" + unit));
    command.addAll(journald.matches());
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
                withNotes(o.source().status()),
                o.counters().unmatched(),
                o.counters().hitLines(),
                o.counters().withoutAddress()))
        .toList();
  }

  private SourceStatus withNotes(SourceStatus status) {
    if (notes.isEmpty()) {
      return status;
    }
    List<StreamStatus> streams =
        status.streams().stream()
            .map(stream -> {
              String note = notes.getOrDefault(new Label(status.name(), stream.label()), "");
              return note.isEmpty() ? stream : stream.withNote(note);
            })
            .toList();
    return status.withStreams(streams);
  }

  @Override
  public void close() {
    open.forEach(o -> o.source().close());
  }
}
