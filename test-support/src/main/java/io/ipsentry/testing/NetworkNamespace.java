package io.ipsentry.testing;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A Linux network namespace of its own name, with loopback up; removed by {@link #close()} together
 * with every interface in it.
 *
 * <p>For tests with {@code @RequiresRoot} and {@code @RequiresProgram("ip")}. See ip-netns(8).
 */
public final class NetworkNamespace implements AutoCloseable {
  private final String name;

  private NetworkNamespace(String name) {
    this.name = name;
  }

  /** Makes a namespace; its name begins with {@code purpose} and is unique on the machine. */
  public static NetworkNamespace create(String purpose) {
    String suffix = Integer.toHexString(ThreadLocalRandom.current().nextInt(1 << 28));
    NetworkNamespace namespace = new NetworkNamespace("ipsentry-" + purpose + "-" + suffix);
    boolean made = false;
    try {
      Programs.run("ip", "netns", "add", namespace.name);
      namespace.run("ip", "link", "set", "lo", "up");
      made = true;
      return namespace;
    } finally {
      if (!made && Files.exists(namespace.file())) {
        Uninterrupted.run(namespace::close);
      }
    }
  }

  /**
   * Joins two namespaces by a pair of virtual interfaces of the same name, both up, with these
   * addresses ({@code 203.0.113.1/24}, {@code 2001:db8::1/64}).
   */
  public static void connect(
      String device,
      NetworkNamespace left,
      List<String> leftAddresses,
      NetworkNamespace right,
      List<String> rightAddresses) {
    left.run(
        "ip", "link", "add", device, "type", "veth", "peer", "name", device, "netns", right.name);
    left.setUp(device, leftAddresses);
    right.setUp(device, rightAddresses);
  }

  /** Makes an interface that leads nowhere, up, with these addresses. */
  public void addInterface(String device, List<String> addresses) {
    // Not every kernel has the type dummy; one end of a pair whose other end is idle does as well.
    String other = device + "-end";
    run("ip", "link", "add", device, "type", "veth", "peer", "name", other);
    setUp(other, List.of());
    setUp(device, addresses);
  }

  /** Name as {@code ip netns} shows it. */
  public String name() {
    return name;
  }

  /** Runs a command in the namespace to its end; see {@link Programs#run(List)}. */
  public String run(String... command) {
    return Programs.run(command(List.of(command)));
  }

  /** The command that runs {@code command} in the namespace. */
  public List<String> command(List<String> command) {
    List<String> whole = new ArrayList<>(List.of("ip", "netns", "exec", name));
    whole.addAll(command);
    return whole;
  }

  /**
   * Starts a thread of this JVM whose sockets are in the namespace, and stay there whoever uses
   * them later.
   *
   * <p>What the kernel starts for this thread is in the namespace too: it must start no other
   * thread, virtual or not, and no process.
   */
  public Thread start(String threadName, Runnable task) {
    return Thread.ofPlatform()
        .daemon()
        .name(threadName)
        .start(() -> {
          ThreadNamespace.enter(file());
          task.run();
        });
  }

  /**
   * Calls something on a thread as {@link #start} has it, such as what opens a socket.
   *
   * @throws IllegalStateException with its cause, if it fails
   */
  public <T> T call(Callable<T> task) {
    FutureTask<T> result =
        new FutureTask<>(() -> {
          ThreadNamespace.enter(file());
          return task.call();
        });
    Thread ignored = Thread.ofPlatform().daemon().name(name).start(result);
    try {
      return result.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("failed in the namespace " + name, e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while in the namespace " + name, e);
    }
  }

  /** Removes the namespace. */
  @Override
  public void close() {
    Programs.run("ip", "netns", "delete", name);
  }

  private Path file() {
    return Path.of("/run/netns", name);
  }

  private void setUp(String device, List<String> addresses) {
    run("ip", "link", "set", device, "up");
    for (String address : addresses) {
      if (address.contains(":")) {
        // Without duplicate address detection an IPv6 address is usable at once.
        run("ip", "address", "add", address, "dev", device, "nodad");
      } else {
        run("ip", "address", "add", address, "dev", device);
      }
    }
  }
}
