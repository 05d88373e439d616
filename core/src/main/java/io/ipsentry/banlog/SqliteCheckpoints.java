package io.ipsentry.banlog;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Checkpoints in an SQLite file of their own.
 *
 * <p>Not in the file of the ban log: a checkpoint can have 100 MB, and a ban must not wait for that
 * to be written. That the two files may not be of the same moment after a power cut does no harm,
 * because the floors of the ban log keep lines that are read again from counting.
 */
public final class SqliteCheckpoints implements Checkpoints, AutoCloseable {
  /** {@code IPSC} in ASCII. */
  private static final int APPLICATION_ID = 0x4950_5343;

  private static final List<String> SCHEMA =
      List.of("CREATE TABLE checkpoints (name TEXT PRIMARY KEY, bytes BLOB NOT NULL)");

  private final SqliteFile file;
  private final Connection connection;
  private boolean closed;

  private SqliteCheckpoints(SqliteFile file) {
    this.file = file;
    file.create();
    connection = file.connect();
  }

  /**
   * Opens the checkpoints in a file, which is made if it is not there (mode 0600, with its
   * directory).
   *
   * @throws BanLogException if the file is not ours, damaged, newer than this program or not
   *     accessible
   */
  public static SqliteCheckpoints open(Path path) {
    return new SqliteCheckpoints(
        new SqliteFile(path, "checkpoints", APPLICATION_ID, List.of(SCHEMA)));
  }

  /** Where the checkpoints that belong to a ban log lie: beside it. */
  public static Path pathBeside(Path banLog) {
    return banLog.resolveSibling(banLog.getFileName() + "-checkpoints");
  }

  @Override
  public synchronized void save(Consumer<Changes> changes) {
    checkOpen();
    boolean done = false;
    try (Statement statement = connection.createStatement();
        PreparedStatement put =
            connection.prepareStatement(
                "INSERT OR REPLACE INTO checkpoints (name, bytes) VALUES (?, ?)");
        PreparedStatement delete =
            connection.prepareStatement("DELETE FROM checkpoints WHERE name = ?")) {
      statement.execute("BEGIN IMMEDIATE");
      changes.accept(new Rows(put, delete));
      statement.execute("COMMIT");
      done = true;
    } catch (SQLException e) {
      throw file.failure("cannot write", e);
    } finally {
      if (!done) {
        SqliteFile.rollback(connection);
      }
    }
  }

  /** Writes rows as they are named. */
  private final class Rows implements Changes {
    private final PreparedStatement put;
    private final PreparedStatement delete;

    Rows(PreparedStatement put, PreparedStatement delete) {
      this.put = put;
      this.delete = delete;
    }

    @Override
    public void put(String name, byte[] bytes) {
      AppendChecks.checkCheckpoint(name, bytes);
      try {
        put.setString(1, name);
        put.setBytes(2, bytes);
        put.executeUpdate();
      } catch (SQLException e) {
        throw file.failure("cannot write", e);
      }
    }

    @Override
    public void forget(String name) {
      try {
        delete.setString(1, name);
        delete.executeUpdate();
      } catch (SQLException e) {
        throw file.failure("cannot write", e);
      }
    }
  }

  @Override
  public synchronized Map<String, byte[]> load() {
    checkOpen();
    Map<String, byte[]> checkpoints = new TreeMap<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT name, bytes FROM checkpoints")) {
      while (rows.next()) {
        checkpoints.put(rows.getString(1), rows.getBytes(2));
      }
    } catch (SQLException e) {
      throw file.failure("cannot read", e);
    }
    return checkpoints;
  }

  @Override
  public synchronized Optional<byte[]> load(String name) {
    checkOpen();
    try (PreparedStatement one =
        connection.prepareStatement("SELECT bytes FROM checkpoints WHERE name = ?")) {
      one.setString(1, name);
      try (ResultSet rows = one.executeQuery()) {
        return rows.next() ? Optional.of(rows.getBytes(1)) : Optional.empty();
      }
    } catch (SQLException e) {
      throw file.failure("cannot read", e);
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      connection.close();
    } catch (SQLException e) {
      throw file.failure("cannot close", e);
    }
  }

  private void checkOpen() {
    if (closed) {
      throw BanLogException.permanent("the checkpoints are closed");
    }
  }
}
