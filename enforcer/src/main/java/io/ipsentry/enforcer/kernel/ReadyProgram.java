package io.ipsentry.enforcer.kernel;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A program that reads what it is to do, and one of it that is started already and waits for that:
 * to start a program takes longer than all else from a ban to the kernel.
 *
 * <p>One that waits has done nothing and holds nothing. It ends by itself when this process does,
 * because its input ends, and then has nothing to do. One thread at a time.
 */
final class ReadyProgram {
  private final KernelPrograms programs;
  private final List<String> command;
  private @Nullable Process waiting;

  ReadyProgram(KernelPrograms programs, List<String> command) {
    this.programs = programs;
    this.command = List.copyOf(command);
  }

  /** Has it read what it is to do; as {@link KernelPrograms#feed}. */
  void feed(KernelPrograms.Input input) {
    Process ready = waiting;
    waiting = null;
    if (ready != null && ready.isAlive()) {
      programs.feed(command, ready, input);
    } else {
      programs.feed(command, input);
    }
  }

  /**
   * Starts one that waits, unless one does.
   *
   * @throws PacketFilterException if it cannot be started
   */
  void start() {
    Process ready = waiting;
    if (ready == null || !ready.isAlive()) {
      waiting = programs.start(command);
    }
  }

  /** Ends the one that waits. */
  void end() {
    Process ready = waiting;
    waiting = null;
    if (ready != null) {
      ready.destroyForcibly();
    }
  }
}
