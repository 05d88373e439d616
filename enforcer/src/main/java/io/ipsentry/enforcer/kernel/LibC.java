package io.ipsentry.enforcer.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.NoSuchElementException;

/**
 * The calls of the C library of 64-bit Linux that sockets of netlink need and Java does not have.
 *
 * <p>Safe for any thread.
 */
final class LibC {
  private static final int EINTR = 4;
  private static final int O_RDONLY_CLOEXEC = 0x80000;
  private static final int CLONE_NEWNET = 0x40000000;
  private static final int SOL_SOCKET = 1;
  private static final int SO_RCVTIMEO = 20;
  private static final int MSG_TRUNC = 0x20;

  private final VarHandle errno;
  private final MethodHandle open;
  private final MethodHandle close;
  private final MethodHandle setns;
  private final MethodHandle socket;
  private final MethodHandle setsockopt;
  private final MethodHandle send;
  private final MethodHandle recv;

  private LibC(Linker linker) {
    errno = Linker.Option.captureStateLayout().varHandle(PathElement.groupElement("errno"));
    open = call(linker, "open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    close = call(linker, "close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    setns = call(linker, "setns", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    socket = call(linker, "socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    setsockopt =
        call(
            linker,
            "setsockopt",
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    FunctionDescriptor transfer =
        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    send = call(linker, "send", transfer);
    recv = call(linker, "recv", transfer);
  }

  @SuppressWarnings("restricted") // each shape is that of the call's man page
  private static MethodHandle call(Linker linker, String name, FunctionDescriptor shape) {
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name), shape, Linker.Option.captureCallState("errno"));
  }

  /**
   * Looks the calls up.
   *
   * @throws IOException if this JVM, or how it was started, does not allow it
   */
  static LibC load() throws IOException {
    if (ADDRESS.byteSize() != JAVA_LONG.byteSize()) {
      throw new IOException("only known for 64-bit systems");
    }
    try {
      return new LibC(Linker.nativeLinker());
    } catch (UnsupportedOperationException | IllegalCallerException | NoSuchElementException e) {
      throw new IOException("the C library cannot be called: " + e.getMessage(), e);
    }
  }

  /** Moves the calling thread to the network namespace of a file such as /proc/1/ns/net. */
  void enterNetworkNamespace(Path file) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment path = arena.allocateFrom(file.toString());
      MemorySegment state = state(arena);
      int namespace = checked("open", (int) open.invokeExact(state, path, O_RDONLY_CLOEXEC), state);
      try {
        checked("setns", (int) setns.invokeExact(state, namespace, CLONE_NEWNET), state);
      } finally {
        close(namespace);
      }
    } catch (Throwable e) {
      throw rethrown(e);
    }
  }

  /** Opens a socket. */
  int socket(int domain, int type, int protocol) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      return checked("socket", (int) socket.invokeExact(state, domain, type, protocol), state);
    } catch (Throwable e) {
      throw rethrown(e);
    }
  }

  /** How long {@link #receive} waits. */
  void receiveTimeout(int descriptor, long seconds) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      MemorySegment time = arena.allocateFrom(JAVA_LONG, seconds, 0);
      int size = (int) time.byteSize();
      checked(
          "setsockopt",
          (int) setsockopt.invokeExact(state, descriptor, SOL_SOCKET, SO_RCVTIMEO, time, size),
          state);
    } catch (Throwable e) {
      throw rethrown(e);
    }
  }

  /** Sends a datagram whole. */
  void send(int descriptor, MemorySegment datagram) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      long sent = (long) send.invokeExact(state, descriptor, datagram, datagram.byteSize(), 0);
      if (checked("send", sent, state) != datagram.byteSize()) {
        throw new IOException("send took " + sent + " of " + datagram.byteSize() + " bytes");
      }
    } catch (Throwable e) {
      throw rethrown(e);
    }
  }

  /**
   * Receives a datagram.
   *
   * @return its length in bytes
   * @throws IOException also if it is longer than {@code room}
   */
  int receive(int descriptor, MemorySegment room) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = state(arena);
      long length;
      do {
        length = (long) recv.invokeExact(state, descriptor, room, room.byteSize(), MSG_TRUNC);
      } while (length < 0 && (int) errno.get(state, 0L) == EINTR);
      if (checked("recv", length, state) > room.byteSize()) {
        throw new IOException("a datagram of " + length + " bytes has no room");
      }
      return (int) length;
    } catch (Throwable e) {
      throw rethrown(e);
    }
  }

  /** Closes a descriptor; there is nothing to do about a failure. */
  void close(int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      int _ = (int) close.invokeExact(state(arena), descriptor);
    } catch (Throwable e) {
      throw new IllegalStateException("close cannot be called", e);
    }
  }

  private static MemorySegment state(Arena arena) {
    MemoryLayout layout = Linker.Option.captureStateLayout();
    return arena.allocate(layout);
  }

  private int checked(String call, int result, MemorySegment state) throws IOException {
    return (int) checked(call, (long) result, state);
  }

  private long checked(String call, long result, MemorySegment state) throws IOException {
    if (result < 0) {
      int number = (int) errno.get(state, 0L);
      throw new IOException(call + " failed: error " + number + ", see errno(3)");
    }
    return result;
  }

  /** A method handle declares any throwable, but these calls throw nothing of their own. */
  private static IOException rethrown(Throwable thrown) {
    return switch (thrown) {
      case IOException e -> e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException("a call of the C library", thrown);
    };
  }
}
