package io.ipsentry.watcher;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.BanPolicy.Decision;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.config.Config;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.detection.Detection;
import io.ipsentry.detection.DetectionObserver;
import io.ipsentry.detection.HitSink;
import io.ipsentry.rule.Hit;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.RuleEngine;
import io.ipsentry.rule.RuleSet;
import io.ipsentry.rule.Verdict;
import io.ipsentry.watcher.source.ReplayReader;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;

/**
 * Tells what logs would have led to: the same lines, rules and windows as {@code run}, in event
 * time throughout, on a log of bans in memory. The live store is not touched, no limit of new bans
 * holds, and the same logs give the same bans on any day.
 *
 * <p>Several logs are read side by side and their hits merged by event time, so that the order in
 * which they are named does not matter and rotated files can be given together. Confined to one
 * thread.
 */
public final class Replay {
  /**
   * What was read.
   *
   * @param lines read
   * @param unmatched lines that are not of the format
   * @param matched lines that were a hit for a rule
   * @param withoutAddress lines that matched a rule but have no client address
   * @param refused bans that were not made because the address is protected
   * @param bans in order of their time
   * @param shadowBans that rules in shadow mode would have made, in order of their time
   * @param problems of logs that could not be read to their ends
   */
  public record Result(
      long lines,
      long unmatched,
      long matched,
      long withoutAddress,
      long refused,
      List<BanEvent.Ban> bans,
      List<BanEvent.Ban> shadowBans,
      List<String> problems) {
    public Result {
      bans = List.copyOf(bans);
      shadowBans = List.copyOf(shadowBans);
      problems = List.copyOf(problems);
    }
  }

  private static final Comparator<BanEvent.Ban> IN_ORDER =
      Comparator.comparing(BanEvent.Ban::at).thenComparing(BanEvent.Ban::ip);

  private final RuleSet rules;
  private final SourceConfig source;
  private final PipelineFactory pipelines;
  private final Detection detection;
  private final LineCounters counters = new LineCounters();
  private final List<BanEvent.Ban> bans = new ArrayList<>();
  private final List<BanEvent.Ban> shadowBans = new ArrayList<>();
  private final List<ReplayReader> readers = new CopyOnWriteArrayList<>();
  private long refused;

  /**
   * @param config rules, limits and what is never banned
   * @param source format and client address of the logs
   * @param protection what is not banned
   * @param zone of stamps that name none
   * @param reference tells which year a stamp without one belongs to
   * @param formatChosen told the label of a log and the format that was recognised
   */
  public Replay(
      Config config,
      SourceConfig source,
      ProtectedPrefixes protection,
      ZoneId zone,
      InstantSource reference,
      BiConsumer<String, String> formatChosen) {
    this.rules = RuleSet.compile(config.rules());
    this.source = source;
    this.pipelines = new PipelineFactory(zone, reference, formatChosen);
    RuleEngine engine =
        new RuleEngine(rules, config.limits().trackedAddressesBytes(), config.ipv6().countPrefix());
    BanPolicy policy =
        new BanPolicy(
            new BanPolicy.Settings(
                "replay", 0, config.ipv6().banPrefix(), config.ipv6().widen(), 0));
    InstantSource eventTime = () -> Instant.EPOCH;
    BanWriter writer =
        new BanWriter(new InMemoryBanLog(), new ActiveBans(), eventTime, event -> {});
    this.detection =
        new Detection(
            engine,
            policy,
            writer,
            protection,
            new Collector(),
            reached -> Instant.ofEpochMilli(reached.evidenceAtMillis()));
  }

  private final class Collector implements DetectionObserver {
    @Override
    public void decided(Verdict.Reached reached, Decision decision) {
      if (decision instanceof Decision.Refused) {
        refused++;
      } else if (decision instanceof Decision.Shadow shadow) {
        shadowBans.add(shadow.event());
      }
    }

    @Override
    public void appended(List<SequencedEvent> events) {
      for (SequencedEvent event : events) {
        if (event.event() instanceof BanEvent.Ban ban) {
          bans.add(ban);
        }
      }
    }
  }

  /**
   * Reads the logs to their ends.
   *
   * @throws IOException when a log cannot be opened
   */
  public Result run(List<ReplayInput> logs) throws IOException {
    try {
      if (logs.size() == 1) {
        ReplayReader reader = open(logs.getFirst(), this::count);
        while (reader.readSome()) {
          // Hits are counted as they are read.
        }
      } else {
        merge(logs);
      }
      detection.flush();
      bans.sort(IN_ORDER);
      shadowBans.sort(IN_ORDER);
      return new Result(
          counters.lines(),
          counters.unmatched(),
          counters.hitLines(),
          counters.withoutAddress(),
          refused,
          bans,
          shadowBans,
          problems());
    } finally {
      readers.forEach(ReplayReader::close);
    }
  }

  private List<String> problems() {
    List<String> problems = new ArrayList<>();
    for (ReplayReader reader : readers) {
      reader.problem().ifPresent(problem -> problems.add(reader.label() + ": " + problem));
    }
    return problems;
  }

  /** Bytes read so far, of files as they are on the disk. Safe for any thread. */
  public long bytesDone() {
    return readers.stream().mapToLong(ReplayReader::bytesDone).sum();
  }

  private void count(Hit hit) {
    detection.hit(hit);
    detection.flush();
  }

  private ReplayReader open(ReplayInput log, HitSink sink) throws IOException {
    ReplayReader reader =
        log.open(
            pipelines.open(
                source, log.label(), rules.matcher(Rule.On.LOG, source.name()), counters, sink));
    readers.add(reader);
    return reader;
  }

  /** One of several logs, read until it has hits that wait for their turn. */
  private static final class Stream {
    private final ArrayDeque<Hit> hits;
    private final ReplayReader reader;

    Stream(ArrayDeque<Hit> hits, ReplayReader reader) {
      this.hits = hits;
      this.reader = reader;
    }

    /** Reads on until there is a hit; false at the end of the log. */
    boolean advance() {
      boolean more = true;
      while (hits.isEmpty() && more) {
        more = reader.readSome();
      }
      return !hits.isEmpty();
    }

    long time() {
      return hits.getFirst().eventTimeMillis();
    }
  }

  private void merge(List<ReplayInput> logs) throws IOException {
    PriorityQueue<Stream> queue = new PriorityQueue<>(Comparator.comparingLong(Stream::time));
    for (ReplayInput log : logs) {
      ArrayDeque<Hit> hits = new ArrayDeque<>();
      Stream stream = new Stream(hits, open(log, hits::addLast));
      if (stream.advance()) {
        queue.add(stream);
      }
    }
    while (!queue.isEmpty()) {
      Stream next = queue.remove();
      count(next.hits.removeFirst());
      if (next.advance()) {
        queue.add(next);
      }
    }
  }
}
