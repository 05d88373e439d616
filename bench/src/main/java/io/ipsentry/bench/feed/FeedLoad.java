package io.ipsentry.bench.feed;

import io.ipsentry.ban.FeedPrefixes;
import io.ipsentry.banlog.SqliteFeedStore;
import io.ipsentry.feed.FeedOptions;
import io.ipsentry.feed.FeedReader;
import io.ipsentry.feed.FeedReading;
import io.ipsentry.feed.FeedStore;
import io.ipsentry.net.PrefixSet;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * One feed in a process of its own, as it comes for the first time: its bytes read to prefixes, the
 * prefixes stored, and read from the store again. Prints milliseconds of each, and the resident
 * memory.
 *
 * <p>Arguments: prefixes; format, {@code plain} or {@code drop}.
 */
public final class FeedLoad {
  private FeedLoad() {}

  /** Runs it. */
  public static void main(String[] args) throws IOException {
    int count = Integer.parseInt(args[0]);
    byte[] list = list(count, args[1].equals("drop"));
    Path directory = Files.createTempDirectory("feed-load-");
    long start = System.nanoTime();
    FeedReading reading =
        FeedReader.read(
            new ByteArrayInputStream(list), FeedOptions.DEFAULT, Instant.ofEpochSecond(0));
    if (!(reading instanceof FeedReading.Read read)) {
      throw new IllegalStateException(reading.toString());
    }
    PrefixSet prefixes = read.content().lasting();
    long parsed = System.nanoTime();
    try (SqliteFeedStore store = SqliteFeedStore.open(directory.resolve("feeds"))) {
      FeedStore.Stored stored = store.put("a", prefixes);
      long put = System.nanoTime();
      PrefixSet again = store.get("a", stored.digest());
      FeedPrefixes inForce =
          FeedPrefixes.of(List.of(new FeedPrefixes.Feed("a", stored.digest(), 1, again)));
      long loaded = System.nanoTime();
      System.out.printf(
          Locale.ROOT,
          "%s %d prefixes, %.1f MB: read %d ms, stored %d ms, loaded %d ms, together %d ms; %s%n",
          read.format().wireName(),
          inForce.all().size(),
          list.length / 1e6,
          (parsed - start) / 1_000_000,
          (put - parsed) / 1_000_000,
          (loaded - put) / 1_000_000,
          (loaded - start) / 1_000_000,
          memory());
    }
    Files.deleteIfExists(directory.resolve("feeds"));
    Files.deleteIfExists(directory.resolve("feeds-wal"));
    Files.deleteIfExists(directory.resolve("feeds-shm"));
    Files.deleteIfExists(directory);
  }

  /** Scattered addresses, and a few networks, in no order. */
  private static byte[] list(int count, boolean drop) {
    Random random = new Random(1);
    ByteArrayOutputStream list = new ByteArrayOutputStream(count * 16);
    for (int i = 0; i < count; i++) {
      int address = random.nextInt();
      String text =
          (address >>> 24)
              + "."
              + (address >>> 16 & 0xff)
              + "."
              + (address >>> 8 & 0xff)
              + "."
              + (address & 0xff);
      String line = drop ? "{\"cidr\":\"" + text + "/32\",\"sblid\":\"SBL1\"}\n" : text + "\n";
      list.writeBytes(line.getBytes(StandardCharsets.US_ASCII));
    }
    if (drop) {
      list.writeBytes(
          ("{\"type\":\"metadata\",\"records\":" + count + "}\n")
              .getBytes(StandardCharsets.US_ASCII));
    }
    return list.toByteArray();
  }

  private static String memory() throws IOException {
    return Files.readString(Path.of("/proc/self/status"))
        .lines()
        .filter(line -> line.startsWith("VmHWM") || line.startsWith("VmRSS"))
        .map(line -> line.replaceAll("\\s+", " "))
        .reduce("", (a, b) -> a.isEmpty() ? b : a + ", " + b);
  }
}
