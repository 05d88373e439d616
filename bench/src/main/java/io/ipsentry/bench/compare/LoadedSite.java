package io.ipsentry.bench.compare;

import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A site with wrk before it, which is stopped but for slices of a tenth of a second. So many sites
 * take turns within the time in which a machine changes its pace, with connections that are open.
 *
 * <p>nginx and wrk share one core, the last. Neither waits for the other while that one is idle, so
 * what a packet costs more is missing from the requests a second.
 */
final class LoadedSite implements AutoCloseable {
  /** From the first request of a slice to where it is counted: what is cold gets warm. */
  private static final int WARM_MILLIS = 10;

  private static final int SLICE_MILLIS = 90;

  /**
   * What stopped clients have received the kernel acknowledges after 40 ms, a packet a connection.
   * Where packets are dear that is much of another site's slice, so it is waited for.
   */
  private static final int ACKNOWLEDGED_MILLIS = 60;

  /** Of a request, which takes some 15 where nothing looks at its packets. */
  private static final int SLOW_MICROS = 30;

  /** After so many all connections are open. */
  private static final int FIRST_REQUESTS = 1_000;

  /** How long wrk may be used; while it is stopped this goes on. */
  private static final String LONGEST = "1800s";

  private static final int MAX_STATUS_BYTES = 4_096;

  /** nginx's status: connections, then {@code accepted handled requests} in numbers. */
  private static final Pattern STATUS =
      Pattern.compile("requests\\s+(?:\\d+\\s+){2}(?<requests>\\d+)");

  private final Site site;
  private final Daemon wrk;

  private LoadedSite(Site site, Daemon wrk) {
    this.site = site;
    this.wrk = wrk;
  }

  /** Requests a second, and microseconds of processor time a request. */
  record Rate(double requests, double micros) {
    /** This as shares of the mean of two. */
    Rate over(Rate before, Rate after) {
      return new Rate(
          2 * requests / (before.requests + after.requests),
          2 * micros / (before.micros + after.micros));
    }
  }

  /** What had been at a moment: requests answered, and processor time used by both. */
  private record Reading(long nanos, long requests, long cpuNanos) {
    Rate until(Reading end) {
      double count = end.requests - requests;
      return new Rate(count / (end.nanos - nanos) * 1e9, (end.cpuNanos - cpuNanos) / count / 1e3);
    }
  }

  /** Begins to load a site, which it closes, and stops; when the kernel has all it is to have. */
  static LoadedSite start(Site site, Path output) throws IOException, InterruptedException {
    Daemon wrk =
        Daemon.start(
            site.world(),
            output,
            Map.of(),
            Site.onItsCore(
                List.of(
                    Programs.path("wrk").toString(),
                    "-t1",
                    "-c32",
                    "-d" + LONGEST,
                    "http://%s:%d/".formatted(Site.ADDRESS, Site.PORT))));
    LoadedSite loaded = new LoadedSite(site, wrk);
    try {
      loaded.awaitRequests();
      loaded.slice();
    } catch (IOException | InterruptedException | RuntimeException e) {
      loaded.close();
      throw e;
    }
    return loaded;
  }

  private void awaitRequests() throws IOException, InterruptedException {
    long end = System.nanoTime() + Daemon.PATIENCE.toNanos();
    while (requests() < FIRST_REQUESTS) {
      if (System.nanoTime() > end) {
        throw new TooSlowException("wrk does not get %d answers".formatted(FIRST_REQUESTS));
      }
      Thread.sleep(WARM_MILLIS);
    }
  }

  /**
   * Lets it be asked for a slice; when this returns, what was asked is answered, and known to be.
   */
  Rate slice() throws IOException, InterruptedException {
    signal("CONT");
    Thread.sleep(WARM_MILLIS);
    Reading begin = read();
    Thread.sleep(SLICE_MILLIS);
    Reading end = read();
    signal("STOP");
    long ignored = requests(); // behind all that are under way, which may be slow ones
    Rate rate = begin.until(end);
    if (rate.micros() > SLOW_MICROS) {
      Thread.sleep(ACKNOWLEDGED_MILLIS);
    }
    return rate;
  }

  private void signal(String name) {
    Programs.run(List.of("kill", "-" + name, Long.toString(wrk.pid())));
  }

  private Reading read() throws IOException {
    long requests = requests();
    return new Reading(
        System.nanoTime(), requests, Usage.cpuNanos(site.nginx()) + Usage.cpuNanos(wrk.pid()));
  }

  /** How many requests nginx has answered, by its own account. */
  private long requests() throws IOException {
    ByteBuffer answer = ByteBuffer.allocate(MAX_STATUS_BYTES);
    try (SocketChannel nginx = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      nginx.connect(UnixDomainSocketAddress.of(site.status()));
      nginx.write(ByteBuffer.wrap("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
      while (nginx.read(answer) > 0) {}
    }
    String told = new String(answer.array(), 0, answer.position(), StandardCharsets.US_ASCII);
    Matcher matcher = STATUS.matcher(told);
    if (!matcher.find()) {
      throw new IllegalStateException("nginx says: " + told);
    }
    return Long.parseLong(matcher.group("requests"));
  }

  @Override
  public void close() {
    wrk.kill(); // it is stopped, so nothing less reaches it
    site.close();
  }
}
