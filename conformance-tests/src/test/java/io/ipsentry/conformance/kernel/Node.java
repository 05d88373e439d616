package io.ipsentry.conformance.kernel;

import io.ipsentry.testing.NetworkNamespace;
import java.util.ArrayList;
import java.util.List;

/** A node and a world of clients around it, as network namespaces that one cable joins. */
public final class Node implements AutoCloseable {
  public static final String ADDRESS = "203.0.113.1";
  public static final String ADDRESS6 = "2001:db8:1::1";

  private final NetworkNamespace host = NetworkNamespace.create("node");
  private final NetworkNamespace world = NetworkNamespace.create("world");

  /** Makes both and the cable. */
  public Node() {
    NetworkNamespace.connect(
        "veth0",
        host,
        List.of(ADDRESS + "/24", ADDRESS6 + "/64"),
        world,
        List.of(
            "203.0.113.7/24",
            "203.0.113.8/24",
            "203.0.113.9/24",
            "2001:db8:2::7/64",
            "2001:db8:1::8/64"));
    host.run("ip", "-6", "route", "add", "2001:db8:2::/64", "dev", "veth0");
    world.run("ip", "-6", "route", "add", "default", "via", ADDRESS6, "dev", "veth0");
  }

  public NetworkNamespace host() {
    return host;
  }

  public NetworkNamespace world() {
    return world;
  }

  /** Whether a client gets an answer to a request, within a moment. */
  public boolean isReachable(String client) {
    List<String> command = new ArrayList<>(List.of("curl", "--silent", "--output", "/dev/null"));
    command.addAll(List.of("--max-time", "1", "--interface", client));
    String target = client.contains(":") ? "[" + ADDRESS6 + "]" : ADDRESS;
    command.add("http://" + target + ":8080/");
    return endsWell(world, command);
  }

  /** Whether the set of the instance has an element that holds the address. */
  public boolean isInSet(String address) {
    String set = address.contains(":") ? "ip-blocker-6" : "ip-blocker-4";
    return isInSet(set, address);
  }

  /** Whether a set has an element that holds the address; false if there is no such set. */
  public boolean isInSet(String set, String address) {
    return endsWell(host, List.of("ipset", "test", set, address));
  }

  private static boolean endsWell(NetworkNamespace namespace, List<String> command) {
    try {
      namespace.run(command.toArray(String[]::new));
      return true;
    } catch (IllegalStateException e) {
      return false;
    }
  }

  @Override
  public void close() {
    world.close();
    host.close();
  }
}
