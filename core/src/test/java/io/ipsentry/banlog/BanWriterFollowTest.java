package io.ipsentry.banlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.ban.BanEvent;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

/** A writer that keeps its state up to date by itself. */
final class BanWriterFollowTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  @Test
  void follow_othersAppendAndItselfToo_seesEachEventOnceInOrder() {
    try (InMemoryBanLog log = new InMemoryBanLog()) {
      List<BanEvent> seen = new CopyOnWriteArrayList<>();
      BanWriter writer = BanWriter.start(log, InstantSource.system(), seen::add);
      BanWriter other = BanWriter.start(log, InstantSource.system(), event -> {});
      try (BanLog.Subscription following = writer.follow()) {
        assertThat(following).isNotNull();
        for (int i = 0; i < 200; i++) {
          int number = i;
          BanWriter by = i % 3 == 0 ? writer : other;
          assertThat(by.write((state, now) -> List.of(TestEvents.ban("e" + number))))
              .isInstanceOf(BanWriter.Outcome.Written.class);
        }
        await().atMost(SOON).until(() -> writer.state().head() == 200);
        assertThat(writer.isFollowing()).isTrue();
        assertThat(seen)
            .isEqualTo(log.read(1, 1_000).stream().map(event -> event.event()).toList());
      }
      assertThat(writer.isFollowing()).isFalse();
    }
  }
}
