package io.ipsentry.kubernetes.feed;

import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.feed.FeedCodec;
import io.ipsentry.feed.FeedStore;
import io.ipsentry.feed.InvalidFeedException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import io.ipsentry.kubernetes.log.LogNames;
import io.ipsentry.net.PrefixSet;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.io.UncheckedIOException;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * The prefix sets of feeds in ConfigMaps {@code R-feed-<name>-<digest>-<i>}: the bytes of {@link
 * FeedCodec}, cut into pieces, each compressed by itself. So a shard holds the same bytes whoever
 * wrote it, with whatever compressor, and the digest is of the set alone.
 *
 * <p>Whoever stores a feed appends its {@code feed} event afterwards; readers know from there what
 * to ask for. Safe for any thread, but for {@link #sweep}, which is for one.
 */
public final class FeedBlobs {
  /** Bytes of a shard before they are compressed; never more afterwards than 768 KiB. */
  static final int PIECE_BYTES = 760 * 1024;

  /** A feed of 16 million prefixes. */
  static final int MAX_SHARDS = 512;

  private static final String BYTES = "prefixes.gz";
  private static final String SHARDS = "shards";
  private static final String SIZE = "bytes";
  private static final String NAME = "feed";
  private static final String DIGEST = "digest";
  private static final String ENTRIES = "entries";
  private static final String DIGEST_PREFIX = "sha256:";
  private static final Pattern FEED_NAME = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
  private static final Pattern SHA256 = Pattern.compile(DIGEST_PREFIX + "[0-9a-f]{64}");

  private final ConfigMaps api;
  private final LogNames names;
  private final Duration grace;
  private final LongSupplier nanoTicker;

  /** Contents that nobody needs any more, and since when that is known. */
  private final Map<String, Long> unneededSince = new HashMap<>();

  /**
   * @param release full name of the release
   * @param grace how long a content stays that is no longer announced, or not yet
   * @param nanoTicker elapsed time, nanoseconds
   */
  public FeedBlobs(ConfigMaps api, String release, Duration grace, LongSupplier nanoTicker) {
    this.api = api;
    this.names = new LogNames(release);
    this.grace = grace;
    this.nanoTicker = nanoTicker;
  }

  /**
   * Stores a content; nothing is written of what is there already.
   *
   * @param feed 1 to 63 characters of {@code a-z 0-9 -}, at both ends a letter or a digit
   * @throws IllegalArgumentException if that is no name of a feed
   * @throws ApiServerException if the API server fails; a second call goes on
   */
  public FeedStore.Stored put(String feed, PrefixSet prefixes) {
    if (!FEED_NAME.matcher(feed).matches()) {
      throw new IllegalArgumentException(
          "the name of a feed is 1 to 63 characters of a-z 0-9 and -, is " + feed);
    }
    byte[] bytes = FeedCodec.bytes(prefixes);
    String digest = hex(sha256().digest(bytes));
    int shards = Math.max(1, (bytes.length + PIECE_BYTES - 1) / PIECE_BYTES);
    if (shards > MAX_SHARDS) {
      throw new IllegalArgumentException(feed + " has too many prefixes: " + prefixes.size());
    }
    for (int i = 0; i < shards; i++) {
      int end = Math.min(bytes.length, (i + 1) * PIECE_BYTES);
      byte[] piece = Arrays.copyOfRange(bytes, i * PIECE_BYTES, end);
      Map<String, String> data =
          Map.of(
              NAME,
              feed,
              DIGEST,
              DIGEST_PREFIX + digest,
              SHARDS,
              Integer.toString(shards),
              SIZE,
              Integer.toString(bytes.length),
              ENTRIES,
              Integer.toString(prefixes.size()));
      put(
          StoredConfigMap.of(
              names.feed(feed, digest, i),
              names.labels(LogNames.FEED),
              data,
              Map.of(BYTES, compressed(piece)),
              true),
          piece);
    }
    return new FeedStore.Stored(DIGEST_PREFIX + digest, prefixes.size());
  }

  private void put(StoredConfigMap shard, byte[] piece) {
    try {
      StoredConfigMap ignored = api.create(shard);
    } catch (ApiServerException e) {
      if (e.reason() != Reason.EXISTS) {
        throw e;
      }
      Optional<StoredConfigMap> found = api.get(shard.name());
      if (found.isPresent() && !isSame(found.get(), shard, piece)) {
        // Somebody put something else there.
        api.delete(found.get());
        StoredConfigMap ignored = api.create(shard);
      }
    }
  }

  private static boolean isSame(StoredConfigMap found, StoredConfigMap shard, byte[] piece) {
    byte[] stored = found.binary().get(BYTES);
    if (stored == null || !found.data().equals(shard.data())) {
      return false;
    }
    try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(stored))) {
      return Arrays.equals(in.readNBytes(PIECE_BYTES + 1), piece);
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Reads a content, a shard at a time.
   *
   * @param digest as the event says
   * @throws InvalidFeedException if it is not there, or not as its digest says
   * @throws ApiServerException if the API server fails
   */
  public PrefixSet get(String feed, String digest) {
    if (!FEED_NAME.matcher(feed).matches() || !SHA256.matcher(digest).matches()) {
      throw new InvalidFeedException("the feed " + feed + " has the digest " + digest);
    }
    String hex = digest.substring(DIGEST_PREFIX.length());
    MessageDigest sha256 = sha256();
    try {
      StoredConfigMap first = shard(feed, hex, 0);
      int shards = number(first, SHARDS, MAX_SHARDS);
      int size = number(first, SIZE, shards * PIECE_BYTES);
      PrefixSet set;
      try (InputStream whole =
          new BufferedInputStream(
              new DigestInputStream(
                  new SequenceInputStream(new Shards(feed, hex, shards, first)), sha256),
              1 << 14)) {
        set = FeedCodec.read(whole, size);
      }
      if (!hex(sha256.digest()).equals(hex)) {
        throw new InvalidFeedException("its prefixes are not those of its digest");
      }
      return set;
    } catch (IOException e) {
      throw new InvalidFeedException(said(feed, hex, "it cannot be decompressed"), e);
    } catch (InvalidFeedException e) {
      throw new InvalidFeedException(said(feed, hex, String.valueOf(e.getMessage())), e);
    }
  }

  private String said(String feed, String hex, String why) {
    return "the feed "
        + feed
        + " in the ConfigMaps "
        + names.feed(feed, hex, 0)
        + "… cannot be used: "
        + why
        + "; it is stored again when the feed is fetched next";
  }

  private StoredConfigMap shard(String feed, String hex, int i) {
    return api.get(names.feed(feed, hex, i))
        .orElseThrow(() -> new InvalidFeedException("its shard " + i + " is missing"));
  }

  private static int number(StoredConfigMap shard, String key, int max) {
    try {
      int number = Integer.parseInt(shard.text(key));
      if (number >= 1 && number <= max) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw new InvalidFeedException(shard.name() + " has no " + key, e);
    }
    throw new InvalidFeedException(shard.name() + " says of " + key + ' ' + shard.text(key));
  }

  /** The pieces, each asked for when the one before was read. */
  @SuppressWarnings("JdkObsolete") // SequenceInputStream takes nothing else
  private final class Shards implements Enumeration<InputStream> {
    private final String feed;
    private final String hex;
    private final int shards;
    private @Nullable StoredConfigMap first;
    private int next;

    Shards(String feed, String hex, int shards, StoredConfigMap first) {
      this.feed = feed;
      this.hex = hex;
      this.shards = shards;
      this.first = first;
    }

    @Override
    public boolean hasMoreElements() {
      return next < shards;
    }

    @Override
    public InputStream nextElement() {
      StoredConfigMap known = first;
      first = null;
      StoredConfigMap shard = known != null ? known : shard(feed, hex, next);
      next++;
      byte[] stored = shard.binary().get(BYTES);
      if (stored == null) {
        throw new InvalidFeedException(shard.name() + " has no " + BYTES);
      }
      try {
        return new GZIPInputStream(new ByteArrayInputStream(stored), 1 << 12);
      } catch (IOException e) {
        throw new InvalidFeedException(shard.name() + " cannot be decompressed", e);
      }
    }
  }

  /**
   * Deletes contents that are not announced since the grace; to be called now and then by who
   * leads.
   *
   * @param announced the feeds that the log names now
   * @return ConfigMaps deleted
   * @throws ApiServerException if the API server fails; the next call goes on
   */
  public int sweep(Collection<FeedState> announced) {
    Set<String> needed = new HashSet<>();
    for (FeedState state : announced) {
      if (state.feed().entries() > 0) {
        needed.add(content(state.feed().feed(), state.feed().digest()));
      }
    }
    long now = nanoTicker.getAsLong();
    Set<String> found = new HashSet<>();
    int deleted = 0;
    for (StoredConfigMap map : api.list(names.selected(Set.of(LogNames.FEED))).items()) {
      String content = content(map.text(NAME), map.text(DIGEST));
      found.add(content);
      if (needed.contains(content)) {
        unneededSince.remove(content);
      } else if (now - unneededSince.computeIfAbsent(content, c -> now) >= grace.toNanos()) {
        api.delete(map);
        deleted++;
      }
    }
    unneededSince.keySet().retainAll(found);
    return deleted;
  }

  private static String content(String feed, String digest) {
    return feed + ' ' + digest;
  }

  private static byte[] compressed(byte[] piece) {
    ByteArrayOutputStream target = new ByteArrayOutputStream(1 << 14);
    try (OutputStream gzip = new GZIPOutputStream(target, 1 << 14)) {
      gzip.write(piece);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return target.toByteArray();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static String hex(byte[] digest) {
    return HexFormat.of().formatHex(digest);
  }
}
