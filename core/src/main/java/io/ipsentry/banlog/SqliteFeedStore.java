package io.ipsentry.banlog;

import io.ipsentry.feed.FeedCodec;
import io.ipsentry.feed.FeedRecord;
import io.ipsentry.feed.FeedStore;
import io.ipsentry.feed.FeedStoreException;
import io.ipsentry.feed.InvalidFeedException;
import io.ipsentry.net.PrefixSet;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The feeds of a host in an SQLite file of their own, beside the ban log's: contents as {@link
 * FeedCodec} writes them, and a record of each feed. Of a feed the content of its record is kept,
 * and the one before it. Any number of processes may read.
 */
public final class SqliteFeedStore implements FeedStore, AutoCloseable {
  /** {@code IPSF} in ASCII. */
  private static final int APPLICATION_ID = 0x4950_5346;

  private static final List<String> SCHEMA =
      List.of(
          "CREATE TABLE feeds (name TEXT PRIMARY KEY, record TEXT NOT NULL)",
          "CREATE TABLE contents (number INTEGER PRIMARY KEY, name TEXT NOT NULL,"
              + " digest TEXT NOT NULL, bytes BLOB NOT NULL, UNIQUE (name, digest))");

  private final SqliteFile file;
  private final Connection connection;
  private boolean closed;

  private SqliteFeedStore(SqliteFile file) {
    this.file = file;
    file.create();
    connection = file.connect();
  }

  /**
   * Opens the feeds in a file, which is made if it is not there (mode 0600, with its directory).
   *
   * @throws BanLogException if the file is not ours, damaged, newer than this program or not
   *     accessible
   */
  public static SqliteFeedStore open(Path path) {
    return new SqliteFeedStore(new SqliteFile(path, "feeds", APPLICATION_ID, List.of(SCHEMA)));
  }

  /** Where the feeds that belong to a ban log lie: beside it. */
  public static Path pathBeside(Path banLog) {
    return banLog.resolveSibling(banLog.getFileName() + "-feeds");
  }

  @Override
  public synchronized List<FeedRecord> records() {
    List<FeedRecord> records = new ArrayList<>();
    try (PreparedStatement select = prepare("SELECT record FROM feeds ORDER BY name");
        ResultSet rows = select.executeQuery()) {
      while (rows.next()) {
        FeedRecord.parse(rows.getString(1)).ifPresent(records::add);
      }
      return records;
    } catch (SQLException e) {
      throw failure("cannot read", e);
    }
  }

  @Override
  public synchronized void keep(FeedRecord record) {
    try {
      update(
          "INSERT OR REPLACE INTO feeds (name, record) VALUES (?, ?)",
          record.feed(),
          record.toJson());
      // Somebody may still read the one before.
      update(
          "DELETE FROM contents WHERE name = ?1 AND digest <> ?2 AND number NOT IN"
              + " (SELECT number FROM contents WHERE name = ?1 AND digest <> ?2"
              + " ORDER BY number DESC LIMIT 1)",
          record.feed(),
          record.digest());
    } catch (SQLException e) {
      throw failure("cannot write", e);
    }
  }

  @Override
  public synchronized void forget(String feed) {
    try {
      update("DELETE FROM feeds WHERE name = ?", feed);
      update("DELETE FROM contents WHERE name = ?", feed);
    } catch (SQLException e) {
      throw failure("cannot write", e);
    }
  }

  @Override
  public synchronized Stored put(String feed, PrefixSet prefixes) {
    byte[] bytes = FeedCodec.bytes(prefixes);
    String digest = FeedCodec.digest(bytes);
    if (bytes(feed, digest).filter(known -> Arrays.equals(known, bytes)).isPresent()) {
      return new Stored(digest, prefixes.size());
    }
    try (PreparedStatement insert =
        prepare("INSERT OR REPLACE INTO contents (name, digest, bytes) VALUES (?, ?, ?)")) {
      insert.setString(1, feed);
      insert.setString(2, digest);
      insert.setBytes(3, bytes);
      insert.executeUpdate();
      return new Stored(digest, prefixes.size());
    } catch (SQLException e) {
      throw failure("cannot write", e);
    }
  }

  @Override
  public synchronized PrefixSet get(String feed, String digest) {
    Optional<byte[]> bytes = bytes(feed, digest);
    if (bytes.isEmpty()) {
      throw new InvalidFeedException(said(feed, "it is not there"));
    }
    if (!FeedCodec.digest(bytes.get()).equals(digest)) {
      throw new InvalidFeedException(said(feed, "its prefixes are not those of its digest"));
    }
    try {
      return FeedCodec.read(new ByteArrayInputStream(bytes.get()), bytes.get().length);
    } catch (IOException e) {
      throw new InvalidFeedException(said(feed, "it cannot be read"), e);
    } catch (InvalidFeedException e) {
      throw new InvalidFeedException(said(feed, String.valueOf(e.getMessage())), e);
    }
  }

  private Optional<byte[]> bytes(String feed, String digest) {
    try (PreparedStatement select =
        prepare("SELECT bytes FROM contents WHERE name = ? AND digest = ?")) {
      select.setString(1, feed);
      select.setString(2, digest);
      try (ResultSet row = select.executeQuery()) {
        return row.next() ? Optional.of(row.getBytes(1)) : Optional.empty();
      }
    } catch (SQLException e) {
      throw failure("cannot read", e);
    }
  }

  private String said(String feed, String why) {
    return "the feed "
        + feed
        + " in "
        + file.path()
        + " cannot be used: "
        + why
        + "; it is stored again when the feed is fetched next";
  }

  private PreparedStatement prepare(String sql) throws SQLException {
    if (closed) {
      throw new FeedStoreException("the feeds are closed", null);
    }
    return connection.prepareStatement(sql);
  }

  private void update(String sql, String... texts) throws SQLException {
    try (PreparedStatement update = prepare(sql)) {
      for (int i = 0; i < texts.length; i++) {
        update.setString(i + 1, texts[i]);
      }
      update.executeUpdate();
    }
  }

  private FeedStoreException failure(String what, SQLException e) {
    return new FeedStoreException(String.valueOf(file.failure(what, e).getMessage()), e);
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
}
