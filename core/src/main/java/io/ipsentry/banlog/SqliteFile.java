package io.ipsentry.banlog;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;

/**
 * An SQLite file of ours: made so that only its owner can read it, opened so that a commit is on
 * the medium when it returns, and recognised by its application id and schema version.
 *
 * <p>{@code journal_mode=WAL} with {@code synchronous=FULL} is SQLite's promise of durability:
 * every commit fsyncs the write-ahead log. The directory entries are fsynced when the file is made;
 * SQLite does so for the write-ahead log itself.
 *
 * @param path the file
 * @param kind what it is, for people: {@code ban log}
 * @param applicationId SQLite's {@code application_id}, which tells our files from others
 * @param versions for each schema version (SQLite's {@code user_version}), beginning with 1, the
 *     statements that make it from the one before
 */
record SqliteFile(Path path, String kind, int applicationId, List<List<String>> versions) {
  /** How long a call waits for another process that writes. */
  static final Duration BUSY_TIMEOUT = Duration.ofSeconds(10);

  /** The write-ahead log is cut back to this after a checkpoint, bytes. */
  private static final long MAX_IDLE_WAL_BYTES = 16L << 20;

  // Turning on WAL needs the file for a moment, and SQLite does not wait for it by itself.
  private static final int OPEN_ATTEMPTS = 200;
  private static final Duration OPEN_PAUSE = Duration.ofMillis(10);

  private static final Logger LOGGER = LoggerFactory.getLogger(SqliteFile.class);

  SqliteFile {
    versions = versions.stream().map(List::copyOf).toList();
  }

  /** Makes the file and its directory unless they are there. */
  void create() {
    Path file = path.toAbsolutePath();
    Path directory = file.getParent();
    if (directory == null) {
      throw BanLogException.permanent("the path of the " + kind + " names no file: " + path);
    }
    try {
      Path existing = directory;
      while (existing.getParent() != null && !Files.exists(existing)) {
        existing = existing.getParent();
      }
      Files.createDirectories(directory);
      if (!Files.exists(file)) {
        createPrivately(file, directory);
        for (Path d = directory; d != null && d.startsWith(existing); d = d.getParent()) {
          syncDirectory(d);
        }
      }
    } catch (IOException e) {
      throw BanLogException.permanent(
          "cannot make the " + kind + " " + path + "; make its directory writable or name another",
          e);
    }
  }

  private static void createPrivately(Path file, Path directory) throws IOException {
    FileStore store = Files.getFileStore(directory);
    try {
      if (store.supportsFileAttributeView("posix")) {
        Files.createFile(
            file,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      } else {
        Files.createFile(file);
      }
    } catch (FileAlreadyExistsException e) {
      // Another process made it in this moment, as privately.
      return;
    }
  }

  private static void syncDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /**
   * A connection; the first one makes the tables, or brings them up to date.
   *
   * @throws BanLogException if it is no file of ours, or a newer ip-sentry's
   */
  Connection connect() {
    for (int attempt = 1; ; attempt++) {
      try {
        return tryConnect();
      } catch (SQLException e) {
        if (attempt == OPEN_ATTEMPTS || !isBusy(e)) {
          throw failure("cannot open", e);
        }
        LockSupport.parkNanos(OPEN_PAUSE.toNanos());
      }
    }
  }

  private Connection tryConnect() throws SQLException {
    SQLiteConfig config = new SQLiteConfig();
    config.setBusyTimeout((int) BUSY_TIMEOUT.toMillis());
    Connection connection = config.createConnection("jdbc:sqlite:" + path.toAbsolutePath());
    boolean ready = false;
    try (Statement statement = connection.createStatement()) {
      check(statement);
      configure(statement);
      if (number(statement, "PRAGMA user_version") < versions.size()) {
        createTables(statement);
      }
      ready = true;
      return connection;
    } finally {
      if (!ready) {
        connection.close();
      }
    }
  }

  /** Reads in one transaction: between two, another process may make the tables. */
  private void check(Statement statement) throws SQLException {
    statement.execute("BEGIN");
    long application = number(statement, "PRAGMA application_id");
    long version = number(statement, "PRAGMA user_version");
    long tables = number(statement, "SELECT count(*) FROM sqlite_schema");
    statement.execute("COMMIT");
    boolean unused = application == 0 && version == 0 && tables == 0;
    if (!unused && application != applicationId) {
      throw BanLogException.permanent(
          path + " is an SQLite file, but not an ip-sentry " + kind + "; name another file");
    }
    if (version > versions.size()) {
      throw BanLogException.permanent(
          String.format(
              Locale.ROOT,
              "the %s %s was written by a newer ip-sentry (schema %d, this one knows %d);"
                  + " upgrade ip-sentry or name another file",
              kind,
              path,
              version,
              versions.size()));
    }
  }

  private void configure(Statement statement) throws SQLException {
    String mode = text(statement, "PRAGMA journal_mode=WAL");
    if (!mode.equals("wal")) {
      throw BanLogException.permanent(
          "the file system of the "
              + kind
              + ' '
              + path
              + " has no shared memory, which SQLite's write-ahead log needs; use a local disk");
    }
    statement.execute("PRAGMA synchronous=FULL");
    // Only macOS knows them: there fsync alone leaves data in the disk's cache.
    statement.execute("PRAGMA fullfsync=ON");
    statement.execute("PRAGMA checkpoint_fullfsync=ON");
    statement.execute("PRAGMA journal_size_limit=" + MAX_IDLE_WAL_BYTES);
  }

  private void createTables(Statement statement) throws SQLException {
    statement.execute("BEGIN IMMEDIATE");
    // Another process may have done it in between.
    int version = (int) number(statement, "PRAGMA user_version");
    for (List<String> changes : versions.subList(version, versions.size())) {
      for (String change : changes) {
        statement.execute(change);
      }
    }
    statement.execute("PRAGMA application_id=" + applicationId);
    statement.execute("PRAGMA user_version=" + versions.size());
    statement.execute("COMMIT");
  }

  private static long number(Statement statement, String query) throws SQLException {
    try (ResultSet row = statement.executeQuery(query)) {
      return row.next() ? row.getLong(1) : 0;
    }
  }

  private static String text(Statement statement, String query) throws SQLException {
    try (ResultSet row = statement.executeQuery(query)) {
      return row.next() ? row.getString(1) : "";
    }
  }

  /** Ends a transaction that failed; SQLite may have ended it already. */
  static void rollback(Connection connection) {
    try (Statement statement = connection.createStatement()) {
      statement.execute("ROLLBACK");
    } catch (SQLException e) {
      LOGGER.atDebug().setCause(e).log("there was no transaction to roll back");
    }
  }

  /** Closes a connection that is given up because of another failure. */
  static void closeQuietly(Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      LOGGER.atDebug().setCause(e).log("connection could not be closed");
    }
  }

  static boolean isBusy(SQLException e) {
    int code = primaryCode(e);
    return code == SQLiteErrorCode.SQLITE_BUSY.code || code == SQLiteErrorCode.SQLITE_LOCKED.code;
  }

  static boolean isFull(SQLException e) {
    return primaryCode(e) == SQLiteErrorCode.SQLITE_FULL.code;
  }

  private static int primaryCode(SQLException e) {
    return e.getErrorCode() & 0xff;
  }

  /** The failure for a caller, with how to mend it where SQLite's code says. */
  BanLogException failure(String what, SQLException e) {
    String where = what + " the " + kind + ' ' + path;
    int code = primaryCode(e);
    if (code == SQLiteErrorCode.SQLITE_CORRUPT.code || code == SQLiteErrorCode.SQLITE_NOTADB.code) {
      return BanLogException.permanent(
          where + ": the file is damaged; move it away, or restore it from a backup", e);
    }
    if (code == SQLiteErrorCode.SQLITE_CANTOPEN.code
        || code == SQLiteErrorCode.SQLITE_PERM.code
        || code == SQLiteErrorCode.SQLITE_READONLY.code) {
      return BanLogException.permanent(
          where + ": no permission; the file and its directory must be writable for this user", e);
    }
    if (isFull(e)) {
      return BanLogException.transientFailure(
          where + ": there is no room left; free disk space", e);
    }
    if (isBusy(e)) {
      return BanLogException.transientFailure(
          where + ": another process has been writing for " + BUSY_TIMEOUT.toSeconds() + " s", e);
    }
    return BanLogException.transientFailure(where, e);
  }
}
