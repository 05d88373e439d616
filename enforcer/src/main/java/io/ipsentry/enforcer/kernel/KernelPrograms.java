package io.ipsentry.enforcer.kernel;

import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Runs the programs that speak to the kernel: by argument vectors, never through a shell, in the C
 * locale, and killed after {@link PacketFilter#TIMEOUT}.
 *
 * <p>What a program is told is made here from numbers and fixed words only. What it answers is
 * streamed, because the answer may be a million lines. Safe for any thread.
 */
final class KernelPrograms {
  /** Where distributions keep such programs; a plain user's PATH often lacks them. */
  private static final List<String> DIRECTORIES =
      List.of("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin");

  /** So much is kept of what a program complains about. */
  private static final int MAX_COMPLAINT_BYTES = 4_096;

  /** More text than this is no answer to a question that {@link #text} asks. */
  private static final int MAX_TEXT_BYTES = 64 << 20;

  private static final Input NOTHING = out -> {};

  private final List<String> prefix;
  private final Duration timeout;

  /**
   * @param prefix words before every program, such as {@code ip netns exec node}; empty: none
   */
  KernelPrograms(List<String> prefix) {
    this(prefix, PacketFilter.TIMEOUT);
  }

  KernelPrograms(List<String> prefix, Duration timeout) {
    this.prefix = List.copyOf(prefix);
    this.timeout = timeout;
  }

  /** Writes what a program reads. */
  @FunctionalInterface
  interface Input {
    void writeTo(AsciiOutput out) throws IOException;
  }

  /** Reads what a program writes. */
  @FunctionalInterface
  interface Output {
    void readFrom(InputStream in) throws IOException;
  }

  /** Runs a program that is told all by its arguments and has nothing to say. */
  void run(List<String> command) {
    execute(command, NOTHING, answer -> answer.transferTo(OutputStream.nullOutputStream()));
  }

  /** Runs a program that reads what it is to do. */
  void feed(List<String> command, Input input) {
    execute(command, input, answer -> answer.transferTo(OutputStream.nullOutputStream()));
  }

  /** As {@link #feed(List, Input)} with one that {@link #start} has started. */
  void feed(List<String> command, Process started, Input input) {
    execute(
        command.getFirst(),
        started,
        input,
        answer -> answer.transferTo(OutputStream.nullOutputStream()));
  }

  /** Runs a program whose answer is read while it runs. */
  void read(List<String> command, Output output) {
    execute(command, NOTHING, output);
  }

  /** Runs a program whose answer is small. */
  String text(List<String> command) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    read(
        command,
        answer -> {
          text.write(answer.readNBytes(MAX_TEXT_BYTES));
          if (answer.read() >= 0) {
            throw new IOException("the answer is longer than " + MAX_TEXT_BYTES + " bytes");
          }
        });
    return text.toString(StandardCharsets.UTF_8);
  }

  /** Whether the kernel has IPv6, which may be switched off when it boots. */
  boolean hasIpv6() {
    // The list of the addresses of interfaces is there as soon as the module is.
    return file("/proc/net/if_inet6").isPresent();
  }

  /** Whether a table of iptables-legacy is there; one that is not holds nothing. */
  boolean hasTable(Family family, String table) {
    try {
      String tables = file("/proc/net/" + family.nft() + "_tables_names").orElse("");
      return tables.lines().anyMatch(table::equals);
    } catch (PacketFilterException e) {
      if (e.kind() == Cause.NO_CAPABILITY) {
        // Only root may read the list; the table itself can be looked at by others as well.
        return true;
      }
      throw e;
    }
  }

  private Optional<String> file(String path) {
    try {
      return Optional.of(text(List.of("cat", path)));
    } catch (PacketFilterException e) {
      if (e.says("No such file")) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /**
   * Opens a socket to the kernel in the network namespace in which the programs run.
   *
   * @throws IOException if that cannot be entered, or the kernel does not allow it
   */
  NetlinkSocket netlink(LibC libC) throws IOException {
    if (prefix.isEmpty()) {
      return NetlinkSocket.open(libC, Optional.empty());
    }
    // What the prefix enters is known by a program that waits there.
    Process process = start(List.of("cat"));
    Thread watchdog = Thread.startVirtualThread(() -> endsInTime(process));
    try {
      process.getOutputStream().write('\n');
      process.getOutputStream().flush();
      if (process.getInputStream().read() < 0) {
        throw new IOException("no program runs after " + prefix);
      }
      Path namespace = Path.of("/proc/" + process.pid() + "/ns/net");
      String there = text(List.of("readlink", "/proc/self/ns/net")).strip();
      if (!Files.readSymbolicLink(namespace).toString().equals(there)) {
        throw new IOException("the network namespace of the programs is out of sight");
      }
      return NetlinkSocket.open(libC, Optional.of(namespace));
    } catch (PacketFilterException e) {
      throw new IOException(e.getMessage(), e);
    } finally {
      process.destroyForcibly();
      watchdog.interrupt();
    }
  }

  private void execute(List<String> command, Input input, Output output) {
    execute(command.getFirst(), start(command), input, output);
  }

  private void execute(String program, Process process, Input input, Output output) {
    ByteArrayOutputStream complaint = new ByteArrayOutputStream();
    AtomicBoolean late = new AtomicBoolean();
    Thread listener = Thread.startVirtualThread(() -> listen(process, complaint));
    Thread watchdog = Thread.startVirtualThread(() -> late.set(!endsInTime(process)));
    IOException broken = null;
    int code;
    try {
      // These programs answer either input or arguments, so one thread does for both directions.
      broken = exchange(process, input, output);
      code = process.waitFor();
      listener.join();
      watchdog.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PacketFilterException(
          Cause.OTHER, program + " was ended: the enforcer is stopping");
    } finally {
      // Before its input is closed: nft would take the part that it has read for the whole.
      process.destroyForcibly();
    }
    if (late.get()) {
      throw new PacketFilterException(
          Cause.TIMEOUT,
          program
              + " did not end within "
              + timeout.toSeconds()
              + " s and was killed; is the machine overloaded, or does another program hold the"
              + " lock?");
    }
    if (code != 0) {
      throw ProgramFailure.of(program, code, complaint.toString(StandardCharsets.UTF_8));
    }
    if (broken != null) {
      throw new PacketFilterException(
          Cause.OTHER, program + ": what it reads or writes broke off: " + broken.getMessage());
    }
  }

  /** Whether that broke off is told, not thrown: why, the program says, and its code. */
  private static @Nullable IOException exchange(Process process, Input input, Output output) {
    try {
      AsciiOutput out = new AsciiOutput(process.getOutputStream());
      input.writeTo(out);
      out.flush();
      process.getOutputStream().close();
      output.readFrom(process.getInputStream());
      return null;
    } catch (IOException e) {
      return e;
    }
  }

  /** Starts a program, which whoever asked has to feed or to end. */
  Process start(List<String> command) {
    List<String> whole = new ArrayList<>(prefix);
    whole.addAll(prefix.isEmpty() ? resolved(command) : command);
    ProcessBuilder builder = new ProcessBuilder(whole);
    Map<String, String> environment = builder.environment();
    environment.clear();
    environment.put("LC_ALL", "C");
    environment.put("PATH", String.join(":", DIRECTORIES));
    try {
      return builder.start();
    } catch (IOException e) {
      throw ProgramFailure.notStarted(whole.getFirst(), e);
    }
  }

  private static List<String> resolved(List<String> command) {
    for (String directory : DIRECTORIES) {
      Path file = Path.of(directory, command.getFirst());
      if (Files.isExecutable(file)) {
        List<String> whole = new ArrayList<>(command);
        whole.set(0, file.toString());
        return whole;
      }
    }
    return command;
  }

  private static void listen(Process process, ByteArrayOutputStream complaint) {
    try (InputStream errors = process.getErrorStream()) {
      complaint.write(errors.readNBytes(MAX_COMPLAINT_BYTES));
      errors.transferTo(OutputStream.nullOutputStream());
    } catch (IOException e) {
      complaint.writeBytes(String.valueOf(e.getMessage()).getBytes(StandardCharsets.UTF_8));
    }
  }

  private boolean endsInTime(Process process) {
    try {
      if (process.waitFor(timeout)) {
        return true;
      }
      process.destroyForcibly();
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }
}
