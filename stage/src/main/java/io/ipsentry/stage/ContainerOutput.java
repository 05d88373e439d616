package io.ipsentry.stage;

import io.ipsentry.testing.Programs;
import io.ipsentry.testing.kubelet.RuntimeLog;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.function.Consumer;

/**
 * What a runtime does with the output of a container: reads a pipe, stamps each line, and writes it
 * to the log that the kubelet shows, and to a file beside it in the format of CRI ({@code
 * 2026-11-27T03:00:00.123456789Z stdout F LINE}), which is kept whole for whoever judges a run.
 */
final class ContainerOutput implements AutoCloseable {
  private static final int BUFFER_BYTES = 64 << 10;

  private final int node;
  private final String container;
  private final FileChannel pipe;
  private final BufferedWriter file;
  private final RuntimeLog log;
  private final InstantSource clock;
  private final Consumer<LoggedLine> listener;
  private final Thread thread;

  /** Makes the pipe, and reads it from now on. */
  ContainerOutput(
      int node,
      String container,
      Path fifo,
      Path cri,
      RuntimeLog log,
      InstantSource clock,
      Consumer<LoggedLine> listener) {
    this.node = node;
    this.container = container;
    this.log = log;
    this.clock = clock;
    this.listener = listener;
    String ignored = Programs.run("mkfifo", fifo.toString());
    try {
      // Open for writing too, it has no end while no container runs.
      pipe = FileChannel.open(fifo, StandardOpenOption.READ, StandardOpenOption.WRITE);
      file = Files.newBufferedWriter(cri);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot open " + fifo, e);
    }
    thread = Thread.ofPlatform().daemon().name(container + "-" + node).start(this::read);
  }

  private void read() {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    try {
      while (pipe.read(buffer) >= 0) {
        take(buffer.flip());
        buffer.compact();
        file.flush();
      }
    } catch (AsynchronousCloseException e) {
      // The end.
    } catch (ClosedChannelException e) {
      // The same, between two reads.
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the output of " + container, e);
    }
  }

  /** Takes the whole lines. */
  private void take(ByteBuffer buffer) throws IOException {
    int from = buffer.position();
    for (int at = from; at < buffer.limit(); at++) {
      if (buffer.get(at) == '\n') {
        byte[] bytes = new byte[at - from];
        buffer.get(from, bytes);
        String line = new String(bytes, StandardCharsets.UTF_8);
        LoggedLine logged =
            new LoggedLine(node, container, clock.instant(), System.nanoTime(), line);
        log.write(logged.stamp(), line);
        file.write(logged.stamp() + " stdout F " + line + "\n");
        listener.accept(logged);
        from = at + 1;
        buffer.position(from);
      }
    }
  }

  @Override
  public void close() {
    try {
      pipe.close();
      thread.join();
      file.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot close the output of " + container, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
