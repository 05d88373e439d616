package io.ipsentry.watcher;

import io.ipsentry.banlog.Checkpoints;
import io.ipsentry.detection.ReportedHit;
import io.ipsentry.watcher.source.LineSource;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an agent remembers over its restarts: the positions of its sources, and the hits it found up
 * to there that the leader may still ask for, stored together. So a line that was read is a hit
 * under a number that stays the same, whenever the process is killed.
 *
 * <p>{@code agent} holds a form, the name under which the leader knows the numbers, and the next
 * number; {@code hits/N} hits from number N on, of one {@link #save}; the positions are as in
 * {@link ChangedCheckpoints}. Damaged state is never fatal: it is said, and the agent goes on under
 * a new name, without the hits that were kept. After {@link #open} confined to the reading thread.
 */
public final class AgentStore {
  private static final String AGENT = "agent";
  private static final String HITS = "hits/";
  private static final int FORM = 1;
  private static final int MAX_ROW_HITS = 1_000_000;
  private static final Logger logger = LoggerFactory.getLogger(AgentStore.class);

  private final ChangedCheckpoints checkpoints;
  private Map<String, byte[]> loaded;

  /** Rows with hits, in order. */
  private final Deque<Row> rows = new ArrayDeque<>();

  private String reporter = UUID.randomUUID().toString();
  private long next = 1;
  private List<ReportedHit> kept = new ArrayList<>();

  /** Hits that were stored together, by the number of the last. */
  private record Row(String name, long last) {}

  private AgentStore(Checkpoints checkpoints) {
    this.checkpoints = new ChangedCheckpoints(checkpoints);
    loaded = this.checkpoints.load();
  }

  /**
   * Takes up what was stored last, or begins.
   *
   * @throws io.ipsentry.banlog.BanLogException if the checkpoints cannot be read or written
   */
  public static AgentStore open(Checkpoints checkpoints) {
    AgentStore store = new AgentStore(checkpoints);
    Set<String> unreadable = new HashSet<>();
    byte[] agent = store.loaded.get(AGENT);
    if (agent != null) {
      try {
        store.read(agent);
      } catch (IOException e) {
        logger
            .atError()
            .setCause(e)
            .log("stored hits cannot be read; those that were not counted yet are lost");
        store.forgetHits(unreadable);
      }
    }
    store.putAgent(store.next);
    store.checkpoints.save(unreadable);
    return store;
  }

  private void read(byte[] agent) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(agent));
    int form = in.readByte();
    if (form != FORM) {
      throw new IOException("stored in form " + form + ", but this version reads " + FORM);
    }
    reporter = in.readUTF();
    long end = in.readLong();
    next = end;
    for (Map.Entry<String, byte[]> row : loaded.entrySet()) {
      if (row.getKey().startsWith(HITS)) {
        read(row.getKey(), row.getValue());
      }
    }
    if (!kept.isEmpty() && next != end) {
      throw new IOException(
          "the last hit that is stored has number " + (next - 1) + ", not " + end);
    }
  }

  private void read(String name, byte[] row) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(row));
    long first = in.readLong();
    int count = in.readInt();
    if (count < 1 || count > MAX_ROW_HITS || !kept.isEmpty() && first != next) {
      throw new IOException(count + " hits from number " + first + " on do not follow " + next);
    }
    for (int i = 0; i < count; i++) {
      kept.add(ReportedHit.readFrom(in));
    }
    next = first + count;
    rows.add(new Row(name, next - 1));
  }

  private void forgetHits(Set<String> names) {
    loaded.keySet().stream().filter(name -> name.startsWith(HITS)).forEach(names::add);
    rows.clear();
    kept = new ArrayList<>();
    reporter = UUID.randomUUID().toString();
    next = 1;
  }

  /** The name under which the leader knows the numbers of the hits. */
  public String reporter() {
    return reporter;
  }

  /** Number of the first hit of {@link #kept}, or of the next one. */
  public long firstKept() {
    return next - kept.size();
  }

  /** Hits that were kept over the restart. */
  public List<ReportedHit> kept() {
    return List.copyOf(kept);
  }

  // ---- for the reading thread

  /** Lets the sources go on at their positions; once, before the first {@link #save}. */
  void restore(List<LineSource> sources) {
    sources.forEach(source -> ChangedCheckpoints.restore(source, loaded));
    loaded = Map.of();
    kept = List.of();
  }

  /**
   * Stores the positions of the sources and the hits that were found up to there, and forgets hits
   * that need not be kept.
   *
   * @param first number of the first hit
   * @param hits in order; may be none
   * @param firstKept those before this number are forgotten
   */
  void save(List<LineSource> sources, long first, List<ReportedHit> hits, long firstKept) {
    sources.forEach(checkpoints::put);
    Row row = null;
    if (!hits.isEmpty()) {
      // In order of their names, they are in order of their numbers.
      row = new Row("%s%019d".formatted(HITS, first), first + hits.size() - 1);
      checkpoints.put(row.name(), row(first, hits));
      putAgent(first + hits.size());
    }
    Set<String> over = new HashSet<>();
    for (Row each : rows) {
      if (each.last() >= firstKept) {
        break;
      }
      over.add(each.name());
    }
    checkpoints.save(over);
    while (!rows.isEmpty() && over.contains(rows.getFirst().name())) {
      Row ignored = rows.removeFirst();
    }
    if (row != null) {
      rows.add(row);
    }
  }

  private void putAgent(long nextNumber) {
    checkpoints.put(
        AGENT,
        bytes(out -> {
          out.writeByte(FORM);
          out.writeUTF(reporter);
          out.writeLong(nextNumber);
        }));
  }

  private static byte[] row(long first, List<ReportedHit> hits) {
    return bytes(out -> {
      out.writeLong(first);
      out.writeInt(hits.size());
      for (ReportedHit hit : hits) {
        hit.writeTo(out);
      }
    });
  }

  @FunctionalInterface
  private interface Writer {
    void writeTo(DataOutputStream out) throws IOException;
  }

  private static byte[] bytes(Writer writer) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      writer.writeTo(new DataOutputStream(bytes));
    } catch (IOException e) {
      throw new UncheckedIOException("an array in memory cannot be written", e);
    }
    return bytes.toByteArray();
  }
}
