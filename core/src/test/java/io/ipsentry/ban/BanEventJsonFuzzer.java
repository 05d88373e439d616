package io.ipsentry.ban;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** Whatever is read as an event is written and read again as itself. */
final class BanEventJsonFuzzer {
  @FuzzTest(maxDuration = "2m")
  void read_anyBytes_refusesOrReadsAnEventThatStays(byte[] line) {
    SequencedEvent event;
    try {
      event = BanEventJson.read(line);
    } catch (InvalidEventException e) {
      assertThat(e).hasMessageStartingWith("not a ban event: ");
      return;
    }
    assertThat(BanEventJson.read(BanEventJson.toBytes(event))).isEqualTo(event);
    assertThat(BanEventJson.toLine(event)).doesNotContain("\n").isNotEmpty();
    if (event.seq() == 1) {
      new ActiveBans().apply(event);
    }
  }
}
