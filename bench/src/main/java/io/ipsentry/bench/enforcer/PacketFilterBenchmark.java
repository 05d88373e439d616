package io.ipsentry.bench.enforcer;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.enforcer.kernel.PacketFilter;
import io.ipsentry.enforcer.kernel.PacketFilter.ChangeVisitor;
import io.ipsentry.enforcer.kernel.PacketFilter.Changes;
import io.ipsentry.enforcer.kernel.PacketFilters;
import io.ipsentry.net.IpPrefix;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Optional;

/**
 * Loads a list of addresses into an empty kernel, through the backend and by the kernel's own
 * program alone, in turns; then one more, the same list again, and a read-back. Arguments: backend,
 * number of addresses, rounds. It changes the network namespace in which it is started.
 */
public final class PacketFilterBenchmark {
  private static final int NFT_PIECE = 20_000;

  private static final long DAY_SECONDS = 86_400;

  private PacketFilterBenchmark() {}

  /** Runs it and prints a table: seconds, one column a round. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    Backend backend =
        Arrays.stream(Backend.values())
            .filter(each -> each.wireName().equals(arguments[0]))
            .findFirst()
            .orElseThrow();
    int count = Integer.parseInt(arguments[1]);
    if (arguments.length == 2) {
      load(backend, count);
      return;
    }
    int rounds = Integer.parseInt(arguments[2]);
    Path list = Files.createTempFile("ip-sentry-bench", ".list");
    writeList(list, backend, count);
    double[][] seconds = new double[5][rounds];
    for (int round = 0; round < rounds; round++) {
      seconds[0][round] = alone(backend, list);
      PacketFilter filter = open(backend);
      long begin = System.nanoTime();
      filter.ensure(count);
      filter.apply(addresses(0, count));
      seconds[1][round] = since(begin);
      begin = System.nanoTime();
      filter.apply(addresses(count, 1));
      seconds[2][round] = since(begin);
      begin = System.nanoTime();
      long[] read = new long[1];
      filter.read((prefix, until) -> read[0]++);
      seconds[3][round] = since(begin);
      if (read[0] != count + 1) {
        throw new IllegalStateException("read " + read[0] + " of " + (count + 1));
      }
      begin = System.nanoTime();
      filter.ensure(count);
      seconds[4][round] = since(begin);
      filter.flush();
    }
    Files.delete(list);
    String program = backend == Backend.NFTABLES ? "nft -f alone" : "ipset restore alone";
    print(program, seconds[0]);
    print("ensure + apply", seconds[1]);
    print("one more", seconds[2]);
    print("read back", seconds[3]);
    print("ensure again", seconds[4]);
    double[] ratios = new double[rounds];
    Arrays.setAll(ratios, round -> seconds[1][round] / seconds[0][round]);
    print("ratio of the load", ratios);
  }

  /** Leaves so many bans in the kernel; below 0: nothing of ours. */
  private static void load(Backend backend, int count) {
    PacketFilter filter = open(backend);
    if (count < 0) {
      filter.flush();
      return;
    }
    filter.flush();
    filter.ensure(count);
    filter.apply(addresses(0, count));
  }

  private static PacketFilter open(Backend backend) {
    EnforcerConfig base = EnforcerConfig.DEFAULT;
    EnforcerConfig config =
        new EnforcerConfig(
            "bench",
            Optional.of(backend),
            base.hook(),
            base.ports(),
            base.verdict(),
            base.forwardedForPorts(),
            base.interval(),
            base.onExit(),
            base.hostBinaries());
    return PacketFilters.open(config, InstantSource.system()).filter();
  }

  private static double alone(Backend backend, Path list) throws IOException, InterruptedException {
    ProcessBuilder program =
        backend == Backend.NFTABLES
            ? new ProcessBuilder("nft", "-f", list.toString())
            : new ProcessBuilder("ipset", "restore", "-exist", "-file", list.toString());
    long begin = System.nanoTime();
    run(program);
    double seconds = since(begin);
    run(
        backend == Backend.NFTABLES
            ? new ProcessBuilder("nft", "delete", "table", "inet", "alone")
            : new ProcessBuilder("ipset", "destroy", "alone"));
    return seconds;
  }

  private static void run(ProcessBuilder program) throws IOException, InterruptedException {
    int code = program.inheritIO().start().waitFor();
    if (code != 0) {
      throw new IllegalStateException(program.command() + " ended with " + code);
    }
  }

  private static void writeList(Path list, Backend backend, int count) throws IOException {
    try (BufferedWriter out = Files.newBufferedWriter(list)) {
      if (backend == Backend.NFTABLES) {
        out.write(
            "add table inet alone\nadd set inet alone s { type ipv4_addr; flags timeout; }\n");
        for (int i = 0; i < count; i++) {
          out.write(i % NFT_PIECE == 0 ? "add element inet alone s { " : ", ");
          out.write(address(i) + " timeout " + DAY_SECONDS + "s");
          out.write(i % NFT_PIECE == NFT_PIECE - 1 || i == count - 1 ? " }\n" : "");
        }
      } else {
        out.write("create alone hash:net timeout 0 maxelem 16777216\n");
        for (int i = 0; i < count; i++) {
          out.write("add alone " + address(i) + " timeout " + DAY_SECONDS + "\n");
        }
      }
    }
  }

  private static Changes addresses(int first, int count) {
    long until = System.currentTimeMillis() + DAY_SECONDS * 1_000;
    return new Changes() {
      @Override
      public int size() {
        return count;
      }

      @Override
      public void forEach(ChangeVisitor visitor) {
        for (int i = first; i < first + count; i++) {
          visitor.put(address(i), until);
        }
      }
    };
  }

  /** Spread over 11.0.0.0/8 to 26.0.0.0/8, each another one. */
  private static IpPrefix address(int number) {
    return IpPrefix.ofV4(0x0b000000 + (int) (number * 2_654_435_761L & 0xfffffff));
  }

  private static double since(long begin) {
    return (System.nanoTime() - begin) / 1e9;
  }

  private static void print(String what, double[] values) {
    StringBuilder line = new StringBuilder(String.format("%-20s", what));
    for (double value : values) {
      line.append(String.format("%9.3f", value));
    }
    System.out.println(line);
  }
}
