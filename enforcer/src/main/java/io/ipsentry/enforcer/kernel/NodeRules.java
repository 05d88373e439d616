package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Where the rules of the node are that are not ours: in the tables of iptables-legacy, or in those
 * of nftables, to which the newer iptables writes as well. Who looks for ours in the other place
 * sees none.
 *
 * @param legacy rules in iptables-legacy, both families
 * @param nftables rules in nftables
 * @param kubernetesInLegacy whether chains of Kubernetes ({@code KUBE-*}) are in iptables-legacy
 * @param kubernetesInNftables whether they, or tables of kube-proxy, are in nftables
 */
public record NodeRules(
    int legacy, int nftables, boolean kubernetesInLegacy, boolean kubernetesInNftables) {

  /**
   * Counts them.
   *
   * @throws PacketFilterException if the kernel does not permit it; a program or module that is not
   *     there has no rules
   */
  public static NodeRules read(EnforcerConfig config) {
    return read(new KernelPrograms(PacketFilters.prefix(config)));
  }

  static NodeRules read(KernelPrograms programs) {
    Counter legacy = new Counter();
    for (Family family : Family.values()) {
      ifThere(() -> programs.read(List.of(family.iptables() + "-save"), legacy::readSaved));
    }
    Counter nftables = new Counter();
    ifThere(
        () -> programs.read(List.of("nft", "--terse", "list", "ruleset"), nftables::readListed));
    return new NodeRules(legacy.rules, nftables.rules, legacy.kubernetes, nftables.kubernetes);
  }

  private static void ifThere(Runnable reading) {
    try {
      reading.run();
    } catch (PacketFilterException e) {
      if (e.kind() != Cause.NO_PROGRAM && e.kind() != Cause.NO_MODULE) {
        throw e;
      }
    }
  }

  /**
   * Why this backend does not go with the node's own rules; empty: it does, or the node has none.
   */
  public Optional<String> mismatch(PacketFilter filter) {
    boolean ours = !filter.name().equals(Backend.NFTABLES.wireName());
    boolean node =
        kubernetesInLegacy == kubernetesInNftables ? legacy >= nftables : kubernetesInLegacy;
    if (ours == node || legacy + nftables == 0) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            Locale.ROOT,
            "the node's own rules are in %s (%d, against %d in %s), ours in %s: packets pass both,"
                + " but the node's tools do not show ours; enforcer.backend %s goes with the node",
            node ? "iptables-legacy" : "nftables",
            node ? legacy : nftables,
            node ? nftables : legacy,
            node ? "nftables" : "iptables-legacy",
            ours ? "iptables-legacy" : "nftables",
            node ? "ipset" : "nftables"));
  }

  /** Counts rules in listings. */
  private static final class Counter {
    private int rules;
    private boolean kubernetes;
    private boolean ours;

    void readSaved(InputStream in) throws IOException {
      BufferedReader lines = lines(in);
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        kubernetes |= line.startsWith(":KUBE-");
        if (line.startsWith("-A ") && !line.contains(InstanceNames.CHAIN_PREFIX)) {
          rules++;
        }
      }
    }

    void readListed(InputStream in) throws IOException {
      BufferedReader lines = lines(in);
      boolean chain = false;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("table ")) {
          ours = line.contains(" " + InstanceNames.TABLE_PREFIX);
          kubernetes |= line.contains(" kube-proxy");
        } else if (line.startsWith("\tchain ")) {
          chain = true;
          kubernetes |= line.startsWith("\tchain KUBE-");
        } else if (line.equals("\t}")) {
          chain = false;
        } else if (chain && !ours && !line.startsWith("\t\ttype ")) {
          rules++;
        }
      }
    }

    private static BufferedReader lines(InputStream in) {
      Reader text = new InputStreamReader(in, StandardCharsets.UTF_8);
      return new BufferedReader(text, 1 << 16);
    }
  }
}
