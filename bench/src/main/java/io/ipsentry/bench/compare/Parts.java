package io.ipsentry.bench.compare;

import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The parts by their names, in the order of the report. */
final class Parts {
  static final Map<String, Bench.Part> ALL = all();

  private Parts() {}

  private static Map<String, Bench.Part> all() {
    Map<String, Bench.Part> parts = new LinkedHashMap<>();
    parts.put("lines-nginx", new Lines(false));
    parts.put("lines-traefik", new Lines(true));
    parts.put("prober-10", new Prober(10));
    parts.put("prober-100", new Prober(100));
    parts.put("prober-1000", new Prober(1_000));
    parts.put("web", new Web());
    parts.put("kernel", new Kernel());
    Restore.SIZES.forEach(bans -> parts.put("restore-" + bans, new Restore(bans)));
    parts.put("load", new Load());
    parts.put("tracked", new Tracked());
    parts.put("start", new Start());
    parts.put("check", new Checks());
    parts.put("forward", new Forward());
    parts.put("cluster-attacks", Scenario.attacks());
    parts.put("cluster-faults", Scenario.faults());
    parts.put("cluster-soak", Scenario.soak());
    parts.put("profile", new Profile());
    return parts;
  }

  /** Why a part that changes the kernel's tables cannot run here. */
  static Optional<String> needs(String... programs) throws IOException {
    // The owner of our own process, without asking the system's name service.
    if (!Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))) {
      return Optional.of("only root may make network namespaces");
    }
    for (String program : programs) {
      if (Programs.find(program).isEmpty()) {
        return Optional.of("no program " + program);
      }
    }
    return Optional.empty();
  }
}
