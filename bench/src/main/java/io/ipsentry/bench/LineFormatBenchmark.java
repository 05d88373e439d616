package io.ipsentry.bench;

import io.ipsentry.line.ClientAddress;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.FormatOptions;
import io.ipsentry.line.LineDecoder;
import io.ipsentry.line.LineFormats;
import io.ipsentry.line.RequestFacts;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Nanoseconds and bytes allocated for one line: decode it and find the client.
 *
 * <p>Lines are made from a fixed seed: combined about 170 bytes, Traefik JSON about 620. Run with
 * {@code -prof gc} for the bytes: see {@code bench/README.md}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "-XX:+UseSerialGC")
@State(Scope.Thread)
public class LineFormatBenchmark {
  private static final int LINES = 10_000;

  /** Format of the lines, also how they are decoded; {@code auto} decodes combined lines. */
  @Param({"combined", "traefik-json", "ngf-json", "auto"})
  private String format = "combined";

  private final RequestFacts facts = new RequestFacts();
  private final ClientAddress client = new ClientAddress();
  private final ClientAddressResolver resolver =
      new ClientAddressResolver(ClientAddressResolver.Settings.DEFAULT);
  private LineDecoder decoder =
      LineFormats.decoder("auto", FormatOptions.of(ZoneOffset.UTC, InstantSource.system()));
  private byte[] bytes = {};
  private int[] ends = {};

  /** Writes the lines one behind the other, as a file source reads them. */
  @Setup
  public void makeLines() {
    decoder = LineFormats.decoder(format, FormatOptions.of(ZoneOffset.UTC, InstantSource.system()));
    Random random = new Random(42);
    StringBuilder text = new StringBuilder();
    ends = new int[LINES];
    for (int i = 0; i < LINES; i++) {
      text.append(SampleLines.line(format, random)).append('\n');
      ends[i] = text.length();
    }
    bytes = text.toString().getBytes(StandardCharsets.US_ASCII);
  }

  /** Decodes all lines. */
  @Benchmark
  @OperationsPerInvocation(LINES)
  public long decode() {
    long sum = 0;
    int from = 0;
    for (int end : ends) {
      if (decoder.decode(bytes, from, end, facts) == LineDecoder.Outcome.FACTS
          && resolver.resolve(facts, client) == ClientAddressResolver.Outcome.FOUND) {
        sum += client.lo() + facts.status();
      }
      from = end;
    }
    return sum;
  }
}
