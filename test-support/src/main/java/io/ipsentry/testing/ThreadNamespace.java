package io.ipsentry.testing;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/** The network namespace of a thread; see setns(2). The enforcer has the same in its LibC. */
final class ThreadNamespace {
  private static final int O_RDONLY_CLOEXEC = 0x80000;
  private static final int CLONE_NEWNET = 0x40000000;

  private static final VarHandle ERRNO =
      Linker.Option.captureStateLayout().varHandle(PathElement.groupElement("errno"));
  private static final MethodHandle OPEN =
      call("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle CLOSE =
      call("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle SETNS =
      call("setns", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));

  private ThreadNamespace() {}

  @SuppressWarnings("restricted") // each shape is that of the call's man page
  private static MethodHandle call(String name, FunctionDescriptor shape) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow(name), shape, Linker.Option.captureCallState("errno"));
  }

  /**
   * Moves the calling thread, which must be a platform thread of its own, for good.
   *
   * @throws IllegalStateException if that fails
   */
  static void enter(Path file) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(Linker.Option.captureStateLayout());
      MemorySegment path = arena.allocateFrom(file.toString());
      int namespace = checked("open", (int) OPEN.invokeExact(state, path, O_RDONLY_CLOEXEC), state);
      int code = (int) SETNS.invokeExact(state, namespace, CLONE_NEWNET);
      int ignored = checked("setns", code, state);
      ignored = checked("close", (int) CLOSE.invokeExact(state, namespace), state);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("the C library cannot be called", e);
    }
  }

  private static int checked(String call, int result, MemorySegment state) {
    if (result < 0) {
      throw new IllegalStateException(call + " failed with errno " + (int) ERRNO.get(state, 0L));
    }
    return result;
  }
}
