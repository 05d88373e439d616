package io.ipsentry.watcher.source;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Lines of a stream as they come, such as those another program pipes in.
 *
 * <p>There is nothing to go back to: the checkpoint is empty. When nobody polls, at most {@link
 * ReadAhead#BLOCKS} blocks are kept and the writer waits. A last line without an end is delivered
 * at the end of the stream.
 */
public final class StdinSource implements LineSource {
  private final String name;
  private final LineHandlerFactory handlers;
  private final InstantSource clock;
  private final ReadAhead ahead;
  private final LineBuffer buffer = new LineBuffer(ReadAhead.BLOCK_BYTES + 2 * MAX_LINE_BYTES);
  private final RateMeter rate;
  private @Nullable LineHandler handler;
  private long bytes;
  private long lastLineAtMillis = -1;
  private String problem = "";
  private boolean ended;
  private volatile SourceStatus status;

  /** Starts reading {@code in} on a thread of its own. */
  public StdinSource(
      String name, InputStream in, LineHandlerFactory handlers, InstantSource clock) {
    this(name, in, handlers, clock, System::nanoTime);
  }

  StdinSource(
      String name,
      InputStream in,
      LineHandlerFactory handlers,
      InstantSource clock,
      LongSupplier nanoTicker) {
    this.name = name;
    this.handlers = handlers;
    this.clock = clock;
    rate = new RateMeter(nanoTicker);
    status = snapshot();
    ahead = ReadAhead.start("read " + name, in);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean poll(int maxBytes) {
    int used = 0;
    while (!ended && used < maxBytes) {
      ReadAhead.Block block = ahead.poll();
      if (block == null) {
        status = snapshot();
        return false;
      }
      used += take(block);
    }
    status = snapshot();
    return !ended;
  }

  private int take(ReadAhead.Block block) {
    LineHandler to = handler();
    long before = buffer.lines();
    long now = clock.millis();
    if (block.isEnd()) {
      ended = true;
      problem = block.failure() == null ? "" : String.valueOf(block.failure());
      buffer.deliverLast(to, now);
      to.end();
    } else {
      buffer.room();
      System.arraycopy(block.bytes(), 0, buffer.bytes(), buffer.end(), block.length());
      buffer.added(block.length());
      bytes += block.length();
      ahead.recycle(block);
      buffer.deliver(to, now);
    }
    if (buffer.lines() > before) {
      lastLineAtMillis = now;
    }
    return Math.max(block.length(), 0);
  }

  private LineHandler handler() {
    LineHandler open = handler;
    if (open == null) {
      open = handlers.open(new StreamInfo(name, "-", null));
      handler = open;
    }
    return open;
  }

  @Override
  public boolean ended() {
    return ended;
  }

  @Override
  public void onReady(Runnable wakeUp) {
    ahead.onReady(wakeUp);
  }

  @Override
  public byte[] checkpoint() {
    return "{}".getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void restore(byte[] checkpoint) {
    // What was read before cannot be read again, and nothing says where the writer stands.
  }

  @Override
  public SourceStatus status() {
    return status;
  }

  private SourceStatus snapshot() {
    LineHandler open = handler;
    Instant last = lastLineAtMillis < 0 ? null : Instant.ofEpochMilli(lastLineAtMillis);
    StreamStatus stream =
        new StreamStatus(
            "-",
            ended ? StreamStatus.State.ENDED : StreamStatus.State.FOLLOWING,
            0,
            bytes,
            bytes,
            buffer.pending(),
            buffer.lines(),
            last,
            open == null ? "" : open.format(),
            problem);
    List<String> problems = problem.isEmpty() ? List.of() : List.of(problem);
    return new SourceStatus(
        name,
        "stdin",
        buffer.lines(),
        bytes,
        rate.update(buffer.lines()),
        buffer.pending(),
        last,
        problems.size(),
        problems,
        List.of(stream));
  }

  @Override
  public void close() {
    ahead.close();
  }
}
