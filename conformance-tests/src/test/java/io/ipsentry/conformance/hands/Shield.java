package io.ipsentry.conformance.hands;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which addresses are protected at the moment, and how: by objects of the cluster, by the watcher's
 * configuration, by an allow event. A change is begun here and in force a little later. Confined to
 * one thread.
 */
final class Shield {
  /** Ways of an address to be protected. */
  enum Way {
    NODE,
    POD_NETWORK,
    LOAD_BALANCER,
    GATEWAY,
    NEVER_BAN,
    ALLOW,
    TRUSTED_PROXY,
    ALLOW_EVENT
  }

  private final ProtectedSite site;
  private final Map<IpPrefix, Way> ways = new LinkedHashMap<>();
  private int objects;
  private final Map<IpPrefix, String> names = new LinkedHashMap<>();

  Shield(ProtectedSite site) {
    this.site = site;
  }

  /** The addresses, in the order in which they became protected. */
  List<IpPrefix> addresses() {
    return List.copyOf(ways.keySet());
  }

  boolean contains(IpPrefix address) {
    return ways.containsKey(address) || site.fixed().overlaps(address);
  }

  /** Whether the watcher's configuration protects it. */
  boolean isConfigured(IpPrefix address) {
    Way way = ways.get(address);
    return way == Way.NEVER_BAN || way == Way.ALLOW || way == Way.TRUSTED_PROXY;
  }

  boolean isTrustedProxy(IpPrefix address) {
    return ways.get(address) == Way.TRUSTED_PROXY;
  }

  /** All that must never be banned, as far as this test has a hand in it. */
  PrefixSet prefixes() {
    return PrefixSet.of(ways.keySet()).union(site.fixed());
  }

  /** Has an address protected. */
  void raise(IpPrefix address, Way way) {
    ways.put(address, way);
    String name = "shield-" + ++objects;
    names.put(address, name);
    switch (way) {
      case NODE ->
          site.create(
              """
              apiVersion: v1
              kind: Node
              metadata: { name: %s }
              status: { addresses: [{ type: ExternalIP, address: "%s" }] }
              """
                  .formatted(name, address));
      case POD_NETWORK ->
          site.create(
              """
              apiVersion: v1
              kind: Node
              metadata: { name: %1$s }
              spec: { podCIDR: "%2$s", podCIDRs: ["%2$s"] }
              """
                  .formatted(name, protectedBy(address, way)));
      case LOAD_BALANCER -> {
        site.create(
            """
            apiVersion: v1
            kind: Service
            metadata: { name: %s }
            spec: { type: LoadBalancer, ports: [{ port: 80 }] }
            """
                .formatted(name));
        site.status(
            "service/" + name,
            "{\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"%s\"}]}}}".formatted(address));
      }
      case GATEWAY -> {
        site.create(
            """
            apiVersion: gateway.networking.k8s.io/v1
            kind: Gateway
            metadata: { name: %s }
            spec: { gatewayClassName: any, listeners: [{ name: http, port: 80, protocol: HTTP }] }
            """
                .formatted(name));
        site.status(
            "gateway/" + name,
            "{\"status\":{\"addresses\":[{\"type\":\"IPAddress\",\"value\":\"%s\"}]}}"
                .formatted(address));
      }
      case NEVER_BAN, ALLOW, TRUSTED_PROXY -> site.configure(this);
      case ALLOW_EVENT -> site.operator("allow", address.toString());
    }
  }

  /** Takes the protection away. */
  void lower(IpPrefix address) {
    Way way = ways.remove(address);
    String name = names.remove(address);
    if (way == null || name == null) {
      throw new IllegalArgumentException(address + " is not protected");
    }
    switch (way) {
      case NODE, POD_NETWORK -> site.delete("node/" + name);
      case LOAD_BALANCER -> site.delete("service/" + name);
      case GATEWAY -> site.delete("gateway/" + name);
      case NEVER_BAN, ALLOW, TRUSTED_PROXY -> site.configure(this);
      case ALLOW_EVENT -> site.operator("disallow", address.toString());
    }
  }

  /** Those that the configuration protects in a way, as a list of YAML. */
  String configured(Way way, String... always) {
    List<String> quoted = new ArrayList<>();
    for (String each : always) {
      quoted.add('"' + each + '"');
    }
    ways.forEach((address, its) -> {
      if (its == way) {
        quoted.add("\"" + address + '"');
      }
    });
    return "[" + String.join(", ", quoted) + "]";
  }

  /**
   * What is protected for an address: of pods, a network in which no other address of the test is.
   */
  static IpPrefix protectedBy(IpPrefix address, Way way) {
    return way == Way.POD_NETWORK ? address.truncate(address.isV4() ? 30 : 64) : address;
  }

  @Override
  public String toString() {
    return ways.toString();
  }
}
