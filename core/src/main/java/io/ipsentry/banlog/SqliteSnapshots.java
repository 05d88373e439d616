package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanSnapshot;
import io.ipsentry.ban.InvalidSnapshotException;
import java.io.IOException;
import java.io.InputStream;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The snapshots in the file of a {@link SqliteBanLog}: {@link BanSnapshot} in parts of {@value
 * SnapshotBytes#PART_BYTES} bytes.
 *
 * <p>Parts come first, each in a transaction of its own, so that appends go on in between; the row
 * in {@code snapshots} makes them a snapshot, in one transaction with what that replaces. Parts
 * without such a row are left over from a crash and are removed with the next snapshot.
 *
 * <p>Two snapshots are kept at most: the <em>base</em>, at the number up to which events may have
 * been deleted (0: none), and the newest. Confined to the lock of its connection.
 */
final class SqliteSnapshots {
  /** Tables since schema version 2. */
  static final List<String> SCHEMA =
      List.of(
          "CREATE TABLE snapshots (head INTEGER PRIMARY KEY, parts INTEGER NOT NULL,"
              + " newest_millis INTEGER NOT NULL)",
          "CREATE TABLE snapshot_parts (head INTEGER NOT NULL, part INTEGER NOT NULL,"
              + " bytes BLOB NOT NULL, PRIMARY KEY (head, part))",
          "CREATE TABLE compaction (base INTEGER NOT NULL)",
          "INSERT INTO compaction (base) VALUES (0)");

  private static final Logger LOGGER = LoggerFactory.getLogger(SqliteSnapshots.class);

  private final Connection connection;

  SqliteSnapshots(Connection connection) {
    this.connection = connection;
  }

  private record Row(long head, int parts) {}

  /** Up to this number events may be gone; 0: all are there. */
  long base() throws SQLException {
    return number("SELECT base FROM compaction");
  }

  /** Number that the newest snapshot goes up to; 0: there is none. */
  long newest() throws SQLException {
    return number("SELECT coalesce(max(head), 0) FROM snapshots");
  }

  private long number(String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(query)) {
      return row.getLong(1);
    }
  }

  /**
   * The newest good snapshot that holds no event later than a time.
   *
   * <p>A damaged one is told and passed over, as long as the events of an older one or all events
   * are there.
   */
  Optional<ActiveBans> load(Instant upTo, ActiveBans.Limits limits) throws SQLException {
    for (Row row : rows("newest_millis <= ?", millis(upTo))) {
      Optional<ActiveBans> state = read(row, limits);
      if (state.isPresent()) {
        return state;
      }
    }
    return Optional.empty();
  }

  /** The snapshot up to exactly this number; empty if it is not there or damaged. */
  Optional<ActiveBans> loadAt(long head, ActiveBans.Limits limits) throws SQLException {
    List<Row> rows = rows("head = ?", head);
    return rows.isEmpty() ? Optional.empty() : read(rows.getFirst(), limits);
  }

  private Optional<ActiveBans> read(Row row, ActiveBans.Limits limits) {
    try (InputStream in = new PartsInput(row)) {
      ActiveBans state = BanSnapshot.read(in, limits);
      if (state.head() != row.head()) {
        throw new IOException("it goes up to event " + state.head());
      }
      return Optional.of(state);
    } catch (IOException | InvalidSnapshotException e) {
      LOGGER
          .atError()
          .setCause(e)
          .addKeyValue("head", row.head())
          .log("a snapshot of the ban log is damaged and passed over");
      return Optional.empty();
    }
  }

  private List<Row> rows(String which, long value) throws SQLException {
    List<Row> rows = new ArrayList<>();
    try (PreparedStatement query =
        connection.prepareStatement(
            "SELECT head, parts FROM snapshots WHERE " + which + " ORDER BY head DESC")) {
      query.setLong(1, value);
      try (ResultSet found = query.executeQuery()) {
        while (found.next()) {
          rows.add(new Row(found.getLong(1), found.getInt(2)));
        }
      }
    }
    return rows;
  }

  private static long millis(Instant time) {
    return time.isAfter(Instant.ofEpochMilli(Long.MAX_VALUE))
        ? Long.MAX_VALUE
        : time.toEpochMilli();
  }

  /** Removes the parts of a snapshot that was never finished. */
  void dropUnfinished() throws SQLException {
    execute("DELETE FROM snapshot_parts WHERE head NOT IN (SELECT head FROM snapshots)");
  }

  /** Stores a part; it counts once {@link #finish} is durable. */
  void putPart(long head, int part, byte[] bytes) throws SQLException {
    try (PreparedStatement put =
        connection.prepareStatement(
            "INSERT OR REPLACE INTO snapshot_parts (head, part, bytes) VALUES (?, ?, ?)")) {
      put.setLong(1, head);
      put.setInt(2, part);
      put.setBytes(3, bytes);
      put.executeUpdate();
    }
  }

  /**
   * Makes the parts a snapshot and forgets those it replaces; within a transaction.
   *
   * @param base the new base; empty: it stays
   */
  void finish(SnapshotBytes snapshot, OptionalLong base) throws SQLException {
    try (PreparedStatement put =
        connection.prepareStatement(
            "INSERT OR REPLACE INTO snapshots (head, parts, newest_millis) VALUES (?, ?, ?)")) {
      put.setLong(1, snapshot.head());
      put.setInt(2, snapshot.parts().size());
      put.setLong(3, snapshot.newestMillis());
      put.executeUpdate();
    }
    if (base.isPresent()) {
      execute("UPDATE compaction SET base = " + base.getAsLong());
    }
    execute(
        "DELETE FROM snapshots WHERE head NOT IN"
            + " (SELECT max(head) FROM snapshots UNION SELECT base FROM compaction)");
    dropUnfinished();
  }

  private void execute(String change) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(change);
    }
  }

  /** The parts of a snapshot, one after the other; a missing one ends it. */
  private final class PartsInput extends InputStream {
    private final Row row;
    private int next;
    private byte[] part = new byte[0];
    private int position;

    PartsInput(Row row) {
      this.row = row;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      while (position == part.length) {
        if (next == row.parts() || !nextPart()) {
          return -1;
        }
      }
      int count = Math.min(length, part.length - position);
      System.arraycopy(part, position, to, offset, count);
      position += count;
      return count;
    }

    private boolean nextPart() throws IOException {
      try (PreparedStatement query =
          connection.prepareStatement(
              "SELECT bytes FROM snapshot_parts WHERE head = ? AND part = ?")) {
        query.setLong(1, row.head());
        query.setInt(2, next);
        try (ResultSet found = query.executeQuery()) {
          if (!found.next()) {
            return false;
          }
          part = found.getBytes(1);
          position = 0;
          next++;
          return true;
        }
      } catch (SQLException e) {
        throw new IOException("a part cannot be read", e);
      }
    }
  }
}
