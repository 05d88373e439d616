package io.ipsentry.watcher.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.net.PrefixSet;
import java.time.Duration;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

final class HostAddressFollowerTest {
  private static final HostAddresses ONE = gateway("203.0.113.1");
  private static final HostAddresses TWO = gateway("203.0.113.2");

  private final BlockingQueue<HostAddresses> seen = new LinkedBlockingQueue<>();

  @Test
  void follow_sameThenFailureThenChange_handsOnTheChangeOnly() throws InterruptedException {
    Supplier<HostAddresses> failure =
        () -> {
          throw new HostAddressesException("cannot read", new IllegalStateException());
        };
    Supplier<HostAddresses> reader = replay(List.of(() -> ONE, failure, () -> ONE, () -> TWO));

    try (HostAddressFollower _ =
        HostAddressFollower.start(ONE, reader, seen::add, Duration.ofMillis(1))) {
      assertThat(seen.poll(30, TimeUnit.SECONDS)).isEqualTo(TWO);
    }

    assertThat(seen).isEmpty();
  }

  /** Gives each answer once, then the last one for ever. */
  private static Supplier<HostAddresses> replay(List<Supplier<HostAddresses>> answers) {
    Deque<Supplier<HostAddresses>> left = new ConcurrentLinkedDeque<>(answers);
    return () -> (left.size() > 1 ? left.pop() : left.getFirst()).get();
  }

  private static HostAddresses gateway(String address) {
    return new HostAddresses(
        Collections.emptySortedMap(), PrefixSet.empty(), PrefixSet.parse(address));
  }
}
