package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanEventJson;
import io.ipsentry.ban.InvalidEventException;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The ban log of a single host: one SQLite file, each event a row with its JSON line.
 *
 * <p>An append is one transaction, and SQLite fsyncs its write-ahead log before the transaction
 * counts as committed ({@code synchronous=FULL}), so what has been acknowledged survives a kill and
 * a power cut. When a commit fails, it is rolled back, and the space it took is written over by the
 * next.
 *
 * <p>Several processes may use the same file: whoever comes second meets a conflict, never damage.
 * Their followers see each other's events after {@value #POLL_MILLIS} ms at most.
 *
 * <p>Appending and reading use a connection each, so that a reader does not wait for fsync.
 */
public final class SqliteBanLog implements BanLog, BanHistory {
  /** Followers look this often for events of other processes. */
  public static final long POLL_MILLIS = 100;

  /** No limit of the file's size but the disk. */
  public static final long UNLIMITED = Long.MAX_VALUE;

  /** Most events that one read returns. */
  static final int MAX_READ_EVENTS = 10_000;

  /** Events deleted in one transaction; appends wait for it. */
  private static final int DELETE_BATCH = 2_000;

  /** {@code IPSB} in ASCII. */
  private static final int APPLICATION_ID = 0x4950_5342;

  private static final List<String> SCHEMA =
      List.of(
          // Numbers are given by us: SQLite would use those of deleted rows again.
          "CREATE TABLE events (seq INTEGER PRIMARY KEY, ip BLOB, line BLOB NOT NULL)",
          "CREATE INDEX events_by_ip ON events (ip, seq)");

  /** Tables since schema version 3. */
  private static final List<String> IDENTITY =
      List.of(
          "CREATE TABLE identity (log_id TEXT NOT NULL)",
          "INSERT INTO identity (log_id) VALUES (lower(hex(randomblob(16))))");

  /** The last events may all be deleted, but never a snapshot that goes up to the last of them. */
  private static final String HEAD =
      "SELECT max(coalesce((SELECT max(seq) FROM events), 0),"
          + " coalesce((SELECT max(head) FROM snapshots), 0))";

  private final SqliteFile file;
  private final String id;
  private final Followers followers = new Followers(POLL_MILLIS);

  private final ReentrantLock writeLock = new ReentrantLock();
  private final Connection writer;
  private final PreparedStatement insert;
  private final PreparedStatement headForWriter;

  private final ReentrantLock readLock = new ReentrantLock();
  private final Connection reader;
  private final PreparedStatement headForReader;
  private final PreparedStatement readFrom;
  private final SqliteSnapshots snapshotsForWriter;
  private final SqliteSnapshots snapshotsForReader;
  private boolean closed;

  private SqliteBanLog(SqliteFile file, Connection writer, Connection reader, long maxBytes)
      throws SQLException {
    this.file = file;
    this.writer = writer;
    this.reader = reader;
    limit(maxBytes);
    id = readId(reader);
    insert = writer.prepareStatement("INSERT INTO events (seq, ip, line) VALUES (?, ?, ?)");
    headForWriter = writer.prepareStatement(HEAD);
    headForReader = reader.prepareStatement(HEAD);
    snapshotsForWriter = new SqliteSnapshots(writer);
    snapshotsForReader = new SqliteSnapshots(reader);
    readFrom =
        reader.prepareStatement("SELECT seq, line FROM events WHERE seq >= ? ORDER BY seq LIMIT ?");
  }

  /**
   * Opens the log in a file, which is made if it is not there (mode 0600, with its directory).
   *
   * @throws BanLogException if the file is not ours, damaged, newer than this program or not
   *     accessible
   */
  public static SqliteBanLog open(Path path) {
    return open(path, UNLIMITED);
  }

  /**
   * Opens the log in a file, as {@link #open(Path)}.
   *
   * @param maxBytes largest size of the file; an append that would need more is answered with
   *     {@link AppendResult.Full}
   */
  public static SqliteBanLog open(Path path, long maxBytes) {
    SqliteFile file =
        new SqliteFile(
            path, "ban log", APPLICATION_ID, List.of(SCHEMA, SqliteSnapshots.SCHEMA, IDENTITY));
    file.create();
    List<Connection> opened = new ArrayList<>();
    boolean ready = false;
    try {
      opened.add(file.connect());
      opened.add(file.connect());
      SqliteBanLog log = new SqliteBanLog(file, opened.getFirst(), opened.getLast(), maxBytes);
      ready = true;
      return log;
    } catch (SQLException e) {
      throw file.failure("cannot open", e);
    } finally {
      if (!ready) {
        opened.forEach(SqliteFile::closeQuietly);
      }
    }
  }

  private static String readId(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT log_id FROM identity")) {
      return row.getString(1);
    }
  }

  private void limit(long maxBytes) throws SQLException {
    if (maxBytes == UNLIMITED) {
      return;
    }
    try (Statement statement = writer.createStatement()) {
      long pageBytes;
      try (ResultSet row = statement.executeQuery("PRAGMA page_size")) {
        pageBytes = row.getLong(1);
      }
      statement.execute("PRAGMA max_page_count=" + Math.max(1, maxBytes / pageBytes));
    }
  }

  @Override
  public AppendResult append(long expectedHead, List<BanEvent> events) {
    AppendChecks.check(expectedHead, events);
    AppendResult result;
    writeLock.lock();
    try {
      checkOpen();
      result = write(expectedHead, events);
    } finally {
      writeLock.unlock();
    }
    if (result instanceof AppendResult.Appended(long head)) {
      followers.appended(head);
    }
    return result;
  }

  private AppendResult write(long expectedHead, List<BanEvent> events) {
    boolean done = false;
    try (Statement statement = writer.createStatement()) {
      if (events.isEmpty()) {
        long head = head(headForWriter);
        done = true;
        return head == expectedHead
            ? new AppendResult.Appended(head)
            : new AppendResult.Conflict(head);
      }
      statement.execute("BEGIN IMMEDIATE");
      long head = head(headForWriter);
      if (head != expectedHead) {
        statement.execute("ROLLBACK");
        done = true;
        return new AppendResult.Conflict(head);
      }
      for (BanEvent event : events) {
        insert(new SequencedEvent(++head, event));
      }
      statement.execute("COMMIT");
      done = true;
      return new AppendResult.Appended(head);
    } catch (SQLException e) {
      if (SqliteFile.isFull(e)) {
        return new AppendResult.Full(
            "the ban log " + file.path() + " has no room left: free disk space or raise its limit");
      }
      throw file.failure("cannot append to", e);
    } finally {
      if (!done) {
        SqliteFile.rollback(writer);
      }
    }
  }

  private void insert(SequencedEvent event) throws SQLException {
    insert.setLong(1, event.seq());
    insert.setBytes(2, AppendChecks.prefixOf(event.event()).map(PrefixKeys::of).orElse(null));
    insert.setBytes(3, BanEventJson.toBytes(event));
    insert.executeUpdate();
  }

  private static long head(PreparedStatement query) throws SQLException {
    try (ResultSet row = query.executeQuery()) {
      return row.getLong(1);
    }
  }

  @Override
  public List<SequencedEvent> read(long from, int max) {
    AppendChecks.checkRead(from, max);
    return reading(() -> {
      readFrom.setLong(1, from);
      readFrom.setInt(2, Math.min(max, MAX_READ_EVENTS));
      List<SequencedEvent> events = events(readFrom);
      // Asked afterwards: what was deleted while we read is behind the base that is there now.
      long base = snapshotsForReader.base();
      if (from <= base) {
        throw new CompactedException(base + 1);
      }
      return events;
    });
  }

  @Override
  public Optional<ActiveBans> snapshot(Instant upTo, ActiveBans.Limits limits) {
    return reading(() -> {
      Optional<ActiveBans> state;
      long base;
      try (Statement statement = reader.createStatement()) {
        // Of one moment, or another process could replace it while it is read.
        statement.execute("BEGIN");
        try {
          state = snapshotsForReader.load(upTo, limits);
          base = snapshotsForReader.base();
        } finally {
          statement.execute("COMMIT");
        }
      }
      if (state.isEmpty() && base > 0) {
        if (upTo.equals(Instant.MAX)) {
          throw BanLogException.permanent(
              "no snapshot of the ban log "
                  + file.path()
                  + " can be read, and events before "
                  + (base + 1)
                  + " are deleted; restore it from a backup, or move it away");
        }
        throw new CompactedException(base + 1);
      }
      return state;
    });
  }

  /** Number that the newest snapshot goes up to; 0: there is none. */
  long newestSnapshot() {
    return reading(snapshotsForReader::newest);
  }

  /** Up to this number events may be deleted. */
  long base() {
    return reading(snapshotsForReader::base);
  }

  /**
   * Stores a snapshot; when it returns, it is durable and the one before is gone.
   *
   * @param base whether it becomes the base, and events up to it may be deleted
   * @throws BanLogException if it could not be stored, and the one before is still there
   */
  void store(SnapshotBytes snapshot, boolean base) {
    OptionalLong newBase = base ? OptionalLong.of(snapshot.head()) : OptionalLong.empty();
    if (newestSnapshot() == snapshot.head()) {
      // It is written over, so all at once, lest a crash leaves one that is half this.
      change(() -> {
        for (int part = 0; part < snapshot.parts().size(); part++) {
          snapshotsForWriter.putPart(snapshot.head(), part, snapshot.parts().get(part));
        }
        snapshotsForWriter.finish(snapshot, newBase);
      });
      return;
    }
    change(snapshotsForWriter::dropUnfinished);
    for (int i = 0; i < snapshot.parts().size(); i++) {
      int part = i;
      change(() -> snapshotsForWriter.putPart(snapshot.head(), part, snapshot.parts().get(part)));
    }
    change(() -> snapshotsForWriter.finish(snapshot, newBase));
  }

  /** The state at the base, for one user; nobody banned if that is 0. */
  ActiveBans stateOfBase() {
    return reading(() -> {
      long base = snapshotsForReader.base();
      if (base == 0) {
        return new ActiveBans();
      }
      return snapshotsForReader
          .loadAt(base, ActiveBans.Limits.DEFAULT)
          .orElseThrow(() ->
              BanLogException.permanent(
                  "the snapshot of event " + base + " of the ban log " + file.path() + " is gone"));
    });
  }

  /**
   * A batch that was looked at.
   *
   * @param last number of its last event; at least the base when done
   * @param count events deleted
   */
  record Deleted(long last, int count) {}

  /**
   * Deletes events up to the base, a batch beginning behind a number; never the last of all, so
   * that the newest of the history is the head.
   *
   * @param keep ascending numbers of events that stay
   */
  Deleted deleteBatch(long after, long[] keep) {
    return writing(() -> {
      long base = snapshotsForWriter.base();
      List<Long> found = numbers(after, base);
      int count = 0;
      try (PreparedStatement delete = writer.prepareStatement("DELETE FROM events WHERE seq = ?")) {
        for (long seq : found) {
          if (Arrays.binarySearch(keep, seq) < 0) {
            delete.setLong(1, seq);
            count += delete.executeUpdate();
          }
        }
      }
      return new Deleted(found.size() < DELETE_BATCH ? base : found.getLast(), count);
    });
  }

  private List<Long> numbers(long after, long upTo) throws SQLException {
    List<Long> numbers = new ArrayList<>();
    try (PreparedStatement query =
        writer.prepareStatement(
            "SELECT seq FROM events WHERE seq > ? AND seq <= ?"
                + " AND seq < (SELECT max(seq) FROM events) ORDER BY seq LIMIT ?")) {
      query.setLong(1, after);
      query.setLong(2, upTo);
      query.setInt(3, DELETE_BATCH);
      try (ResultSet rows = query.executeQuery()) {
        while (rows.next()) {
          numbers.add(rows.getLong(1));
        }
      }
    }
    return numbers;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public long head() {
    return reading(() -> head(headForReader));
  }

  @Override
  public Subscription follow(long from, Sink sink) {
    return followers.follow(this::read, from, sink);
  }

  @Override
  public List<SequencedEvent> history(long before, int max) {
    AppendChecks.checkRead(1, max);
    return reading(() -> {
      try (PreparedStatement query =
          reader.prepareStatement(
              "SELECT seq, line FROM events WHERE seq < ? ORDER BY seq DESC LIMIT ?")) {
        query.setLong(1, before);
        query.setInt(2, max);
        return events(query);
      }
    });
  }

  @Override
  public List<SequencedEvent> history(IpPrefix ip, long before, int max) {
    AppendChecks.checkRead(1, max);
    List<byte[]> wider = new ArrayList<>();
    for (int bits = 0; bits < ip.bits(); bits++) {
      wider.add(PrefixKeys.of(ip.truncate(bits)));
    }
    String places = String.join(",", Collections.nCopies(wider.size(), "?"));
    String query =
        "SELECT seq, line FROM events WHERE seq < ? AND (ip BETWEEN ? AND ? OR ip IN ("
            + places
            + ")) ORDER BY seq DESC LIMIT ?";
    return reading(() -> {
      try (PreparedStatement statement = reader.prepareStatement(query)) {
        int i = 1;
        statement.setLong(i++, before);
        statement.setBytes(i++, PrefixKeys.first(ip));
        statement.setBytes(i++, PrefixKeys.last(ip));
        for (byte[] key : wider) {
          statement.setBytes(i++, key);
        }
        statement.setInt(i, max);
        return events(statement);
      }
    });
  }

  @Override
  public Optional<BanEvent.Ban> lastBan(IpPrefix ip) {
    return reading(() -> {
      try (PreparedStatement query =
          reader.prepareStatement("SELECT seq, line FROM events WHERE ip = ? ORDER BY seq DESC")) {
        query.setBytes(1, PrefixKeys.of(ip));
        try (ResultSet rows = query.executeQuery()) {
          while (rows.next()) {
            if (event(rows).event() instanceof BanEvent.Ban ban) {
              return Optional.of(ban);
            }
          }
        }
        return Optional.empty();
      }
    });
  }

  private List<SequencedEvent> events(PreparedStatement query) throws SQLException {
    List<SequencedEvent> events = new ArrayList<>();
    try (ResultSet rows = query.executeQuery()) {
      while (rows.next()) {
        events.add(event(rows));
      }
    }
    return events;
  }

  private SequencedEvent event(ResultSet row) throws SQLException {
    long seq = row.getLong(1);
    SequencedEvent event;
    try {
      event = BanEventJson.read(row.getBytes(2));
    } catch (InvalidEventException e) {
      throw BanLogException.permanent(
          "event " + seq + " of the ban log " + file.path() + " cannot be read", e);
    }
    if (event.seq() != seq) {
      throw BanLogException.permanent(
          "the ban log "
              + file.path()
              + " is damaged: event "
              + seq
              + " says it is "
              + event.seq());
    }
    return event;
  }

  @FunctionalInterface
  private interface Query<T> {
    T run() throws SQLException;
  }

  @FunctionalInterface
  private interface Change {
    void run() throws SQLException;
  }

  private void change(Change change) {
    writing(() -> {
      change.run();
      return true;
    });
  }

  /** Makes a change in a transaction of its own. */
  private <T> T writing(Query<T> change) {
    writeLock.lock();
    boolean done = false;
    try (Statement statement = writer.createStatement()) {
      checkOpen();
      statement.execute("BEGIN IMMEDIATE");
      T result = change.run();
      statement.execute("COMMIT");
      done = true;
      return result;
    } catch (SQLException e) {
      throw file.failure("cannot write to", e);
    } finally {
      if (!done && !closed) {
        SqliteFile.rollback(writer);
      }
      writeLock.unlock();
    }
  }

  private <T> T reading(Query<T> query) {
    readLock.lock();
    try {
      checkOpen();
      return query.run();
    } catch (SQLException e) {
      throw file.failure("cannot read", e);
    } finally {
      readLock.unlock();
    }
  }

  private void checkOpen() {
    if (closed) {
      throw BanLogException.permanent("the ban log is closed");
    }
  }

  @Override
  public void close() {
    followers.close();
    writeLock.lock();
    readLock.lock();
    try {
      if (!closed) {
        closed = true;
        reader.close();
        writer.close();
      }
    } catch (SQLException e) {
      throw file.failure("cannot close", e);
    } finally {
      readLock.unlock();
      writeLock.unlock();
    }
  }
}
