package io.ipsentry.enforcer.kernel;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** A socket to the netfilter of a network namespace; see netlink(7). One thread at a time. */
final class NetlinkSocket implements AutoCloseable {
  /** What the kernel makes of a dump is at most 32 KiB. */
  private static final int MAX_DATAGRAM_BYTES = 1 << 16;

  /** The kernel answers at once or not at all. */
  private static final long RECEIVE_SECONDS = 10;

  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
  private static final int NETLINK_NETFILTER = 12;

  private final LibC libC;
  private final int descriptor;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment datagram = arena.allocate(MAX_DATAGRAM_BYTES);
  private final ByteBuffer view = datagram.asByteBuffer().order(ByteOrder.nativeOrder());

  private NetlinkSocket(LibC libC, int descriptor) {
    this.libC = libC;
    this.descriptor = descriptor;
  }

  /**
   * Opens one.
   *
   * @param namespace file of the network namespace; empty: that of this process
   * @throws IOException if the kernel does not allow it
   */
  static NetlinkSocket open(LibC libC, Optional<Path> namespace) throws IOException {
    int descriptor = namespace.isEmpty() ? descriptor(libC) : descriptorIn(libC, namespace.get());
    NetlinkSocket socket = new NetlinkSocket(libC, descriptor);
    try {
      libC.receiveTimeout(descriptor, RECEIVE_SECONDS);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  private static int descriptor(LibC libC) throws IOException {
    return libC.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER);
  }

  /** A socket stays in the namespace of the thread that made it; that thread ends here. */
  private static int descriptorIn(LibC libC, Path namespace) throws IOException {
    CompletableFuture<Integer> made = new CompletableFuture<>();
    Thread.ofPlatform()
        .name("namespace")
        .daemon()
        .start(() -> {
          try {
            libC.enterNetworkNamespace(namespace);
            made.complete(descriptor(libC));
          } catch (IOException | RuntimeException e) {
            made.completeExceptionally(e);
          }
        });
    try {
      return made.get();
    } catch (ExecutionException e) {
      throw new IOException("no socket in " + namespace + ": " + e.getCause(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Sends a request, from the position of the buffer to its limit. */
  void send(ByteBuffer request) throws IOException {
    MemorySegment.copy(MemorySegment.ofBuffer(request), 0, datagram, 0, request.remaining());
    libC.send(descriptor, datagram.asSlice(0, request.remaining()));
  }

  /**
   * Waits for an answer.
   *
   * @return a datagram, in the order of bytes of this machine, that holds until the next call
   */
  ByteBuffer receive() throws IOException {
    int length = libC.receive(descriptor, datagram);
    return view.clear().limit(length);
  }

  @Override
  public void close() {
    libC.close(descriptor);
    arena.close();
  }
}
