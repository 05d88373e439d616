package io.ipsentry.watcher.sink.stdout;

import io.ipsentry.ban.BanEventJson;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.config.SinkConfig;
import io.ipsentry.sink.EventKind;
import io.ipsentry.sink.EventSink;
import io.ipsentry.sink.SinkException;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;

/** Events as lines of JSON. */
public final class StdoutSink implements EventSink {
  private static final int MAX_EVENTS = 100;

  private final SinkConfig.Stdout config;
  private final PrintStream out;

  /**
   * @param out not closed
   */
  public StdoutSink(SinkConfig.Stdout config, PrintStream out) {
    this.config = config;
    this.out = out;
  }

  @Override
  public String kind() {
    return config.kind();
  }

  @Override
  public boolean wants(SequencedEvent event) {
    return config.events().contains(EventKind.of(event.event()));
  }

  @Override
  public int maxEvents() {
    return MAX_EVENTS;
  }

  @Override
  public Duration interval() {
    return Duration.ZERO;
  }

  @Override
  public int deliver(List<SequencedEvent> events) {
    ByteArrayOutputStream lines = new ByteArrayOutputStream();
    for (SequencedEvent event : events) {
      lines.writeBytes(BanEventJson.toBytes(event));
      lines.write('\n');
    }
    // Whole lines at once: other sinks may write there too.
    byte[] bytes = lines.toByteArray();
    out.write(bytes, 0, bytes.length);
    if (out.checkError()) {
      throw SinkException.transientFailure("standard output takes nothing", null);
    }
    return events.size();
  }

  @Override
  public void close() {}
}
