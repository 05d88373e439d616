package io.ipsentry.bench.compare;

import io.ipsentry.testing.NetworkNamespace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** From the start of a process until it watches its log, with an empty store. */
final class Start implements Bench.Part {
  @Override
  public void measure(Bench bench) throws IOException, InterruptedException {
    List<Product> products = new ArrayList<>();
    products.add(bench.ipSentry());
    products.add(new Fail2ban());
    products.add(new CrowdSec(CrowdSec.PACKAGED_SECONDS));
    products = bench.present(products, List.of(Metric.START));
    Path log = Files.createFile(bench.scratch().resolve("start.log"));
    Optional<String> reason = Parts.needs("ip", "ipset", "iptables-legacy");
    for (int round = 1; round <= bench.rounds(7); round++) {
      for (Product product : products) {
        if (reason.isPresent()) {
          if (product instanceof IpSentry) {
            time(bench, product, null, log, round);
          } else if (round == 1) {
            bench.absent(Metric.START, product.name(), reason.get());
          }
          continue;
        }
        try (NetworkNamespace node = Bench.namespace("start")) {
          time(bench, product, node, log, round);
        }
      }
    }
  }

  private static void time(
      Bench bench, Product product, @Nullable NetworkNamespace node, Path log, int round)
      throws IOException, InterruptedException {
    Path directory = bench.empty("start");
    long begin = System.nanoTime();
    try (Product.Running _ = product.start(node, directory, log)) {
      bench.add(Metric.START, product.name(), round, (System.nanoTime() - begin) / 1e9);
    }
  }
}
