package io.ipsentry.watcher.sink.stdout;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanEventJson;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.config.SinkConfig;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.sink.EventKind;
import io.ipsentry.sink.EventSink;
import io.ipsentry.sink.EventSinkContract;
import io.ipsentry.sink.SinkEvents;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class StdoutSinkTest extends EventSinkContract {
  /** A pipe whose reader may have gone, as PrintStream tells it. */
  private static final class Out extends PrintStream {
    private final ByteArrayOutputStream bytes;
    private boolean broken;

    Out(ByteArrayOutputStream bytes) {
      super(bytes, false, StandardCharsets.UTF_8);
      this.bytes = bytes;
    }

    @Override
    public void write(byte[] buffer, int offset, int length) {
      if (!broken) {
        super.write(buffer, offset, length);
      }
    }

    @Override
    public boolean checkError() {
      boolean now = broken;
      broken = false;
      return super.checkError() || now;
    }
  }

  private final Out out = new Out(new ByteArrayOutputStream());
  private final StdoutSink sink = new StdoutSink(new SinkConfig.Stdout(Set.of(EventKind.BAN)), out);

  @Override
  protected EventSink sink() {
    return sink;
  }

  @Override
  protected List<Long> taken() {
    return out.bytes
        .toString(StandardCharsets.UTF_8)
        .lines()
        .map(line -> BanEventJson.read(line).seq())
        .toList();
  }

  @Override
  protected void failNext() {
    out.broken = true;
  }

  @Test
  void wants_kindsOfTheConfiguration_only() {
    assertThat(sink.wants(SinkEvents.bans(1, 1).getFirst())).isTrue();
    assertThat(
            sink.wants(
                new SequencedEvent(
                    1, new BanEvent.Unban(SinkEvents.AT, IpPrefix.parse("192.0.2.1"), "cli", ""))))
        .isFalse();
  }
}
