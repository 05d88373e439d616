package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

final class StdinSourceTest {
  @Test
  void poll_linesComeAndEnd_areDelivered() throws IOException, InterruptedException {
    Lines lines = new Lines();
    PipedOutputStream pipe = new PipedOutputStream();
    PipedInputStream in = new PipedInputStream(pipe);
    try (StdinSource source = new StdinSource("in", in, stream -> lines, InstantSource.system());
        SourceLoop loop = new SourceLoop(List.of(source))) {
      pipe.write("one\ntw".getBytes(StandardCharsets.UTF_8));
      pipe.flush();
      pollUntil(loop, () -> lines.list().size() == 1);
      assertThat(source.status().lagBytes()).isEqualTo(2);
      assertThat(source.ended()).isFalse();

      pipe.write("o\nlast".getBytes(StandardCharsets.UTF_8));
      pipe.close();
      pollUntil(loop, source::ended);

      assertThat(lines.list()).containsExactly("one", "two", "last");
      assertThat(lines.ended()).isTrue();
      assertThat(source.status().streams().getFirst().state()).isEqualTo(StreamStatus.State.ENDED);
    }
  }

  static void pollUntil(SourceLoop loop, Callable<Boolean> condition) {
    await()
        .pollInterval(Duration.ZERO)
        .pollDelay(Duration.ZERO)
        .atMost(Duration.ofSeconds(20))
        .until(() -> {
          if (!loop.poll()) {
            loop.awaitWork(Duration.ofMillis(50));
          }
          return condition.call();
        });
  }
}
