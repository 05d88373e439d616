package io.ipsentry.kubernetes.blocklist;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Two leaders at once, of which one at a time dies and is followed by another; answers that are
 * lost, people who patch and edit, others who ban and unban, in any order. Seeded; only when the
 * log tells of its events is left to threads.
 */
final class BlocklistSimulationTest {
  private static final Instant T0 = Instant.parse("2026-11-21T07:00:00Z");
  private static final int STEPS = 120;

  @Test
  void edits_inAnyOrderOfEvents_countOnceAndTouchNoOther() throws Exception {
    for (long seed = 1; seed <= 150; seed++) {
      try (Run run = new Run(new Random(seed), "seed " + seed)) {
        for (int i = 0; i < STEPS; i++) {
          run.something();
        }
        run.rest();
        run.check();
      }
    }
  }

  private static final class Run implements AutoCloseable {
    private final Random random;
    private final String where;
    private final InMemoryBanLog log = new InMemoryBanLog();
    private final SimulatedBlocklist store = new SimulatedBlocklist();
    private final List<BlocklistProjection> leaders = new ArrayList<>();
    private final BanWriter others;

    /** Addresses that people patch in, each once; what they took out again is not among them. */
    private final TreeSet<String> patched = new TreeSet<>();

    private final TreeSet<String> removed = new TreeSet<>();
    private @Nullable String editor;
    private Instant now = T0;
    private long nanos;
    private int addresses;

    Run(Random random, String where) throws InterruptedException {
      this.random = random;
      this.where = where;
      others = BanWriter.start(log, () -> now, event -> {});
      leaders.add(leader());
      leaders.add(leader());
      // From here on one of them watches, always, and the log names an edit to begin behind.
      leaders.getFirst().step(Duration.ZERO);
      leaders.getLast().step(Duration.ZERO);
      patch();
      rest();
    }

    private BlocklistProjection leader() {
      return new BlocklistProjection(
          store,
          log,
          BanWriter.start(log, () -> now, event -> {}),
          () -> ProtectedPrefixes.of(ProtectedPrefixes.reserved(true)),
          () -> now,
          () -> nanos);
    }

    void something() throws InterruptedException {
      now = now.plusMillis(random.nextInt(2_000));
      nanos += random.nextInt(1_000) * 1_000_000L;
      switch (random.nextInt(12)) {
        case 0, 1 -> ban();
        case 2 -> unban();
        case 3, 4 -> patch();
        case 5 -> editor = store.document();
        case 6 -> save();
        case 7 -> store.loseNextReply();
        case 8 -> replaceALeader();
        default -> step(leaders.get(random.nextInt(2)));
      }
    }

    private void ban() {
      String ip = "203.0.113." + random.nextInt(6);
      write(
          new BanEvent.Ban(
              now,
              IpPrefix.parse(ip),
              now.plusSeconds(random.nextInt(200) + 1),
              "probing",
              "x",
              3,
              SeenAs.PEER,
              "w",
              1,
              null,
              null));
    }

    private void unban() {
      write(new BanEvent.Unban(now, IpPrefix.parse("203.0.113." + random.nextInt(6)), "w", ""));
    }

    private void write(BanEvent event) {
      assertThat(others.write((state, at) -> List.of(event)))
          .isInstanceOf(BanWriter.Outcome.Written.class);
    }

    private void patch() {
      String ip = "198.51.100." + addresses++;
      boolean ignored = patched.add(ip);
      store.write("kubectl-patch", "{\"" + ip + "\":{\"expires_at\":\"2099-01-01\"}}");
    }

    /** Takes out one of those that were patched in, if the editor shows some. */
    private void save() {
      String opened = editor;
      editor = null;
      if (opened == null || !opened.contains("\"_version\"")) {
        return;
      }
      for (String ip : List.copyOf(patched)) {
        String line = "(?m)^  \"" + ip + "\".*\n";
        String changed = opened.replaceFirst(line, "");
        if (!changed.equals(opened)) {
          patched.remove(ip);
          boolean ignored = removed.add(ip);
          store.write("kubectl-edit", changed);
          return;
        }
      }
    }

    private void replaceALeader() throws InterruptedException {
      leaders.remove(random.nextInt(2)).close();
      BlocklistProjection next = leader();
      leaders.add(next);
      step(next);
    }

    private void step(BlocklistProjection leader) throws InterruptedException {
      try {
        leader.step(Duration.ZERO);
      } catch (BlocklistStoreException e) {
        // The answer was lost; the next step goes on.
        assertThat(e.kind()).isEqualTo(BlocklistStoreException.Kind.UNAVAILABLE);
      }
    }

    /** Until the document shows the head, and stays as it is. */
    void rest() throws InterruptedException {
      int quiet = 0;
      for (int i = 0; i < 2_000 && quiet < 20; i++) {
        nanos += 1_000_000_000L;
        int before = store.versions().size();
        for (BlocklistProjection leader : leaders) {
          try {
            leader.step(Duration.ofMillis(1));
          } catch (BlocklistStoreException e) {
            assertThat(e.kind()).isEqualTo(BlocklistStoreException.Kind.UNAVAILABLE);
          }
        }
        boolean shows =
            Long.toString(log.head()).equals(store.current().data().getOrDefault("version", ""));
        quiet = shows && before == store.versions().size() ? quiet + 1 : 0;
      }
      assertThat(quiet).as("%s: the leaders come to rest", where).isEqualTo(20);
    }

    void check() {
      Map<String, Integer> told = new HashMap<>();
      ActiveBans state = new ActiveBans();
      for (SequencedEvent event : log.read(1, 100_000)) {
        state.apply(event);
        String hand =
            switch (event.event()) {
              case BanEvent.Ban ban when ban.edit() != null -> ban.ip() + " " + ban.edit();
              case BanEvent.Unban unban when unban.edit() != null ->
                  unban.ip() + " " + unban.edit();
              default -> "";
            };
        if (!hand.isEmpty()) {
          int ignored = told.merge(hand, 1, Integer::sum);
        }
      }
      assertThat(told.values()).as("%s: each change counts once", where).containsOnly(1);
      assertThat(told)
          .as("%s: a patch or removal each", where)
          .hasSize(patched.size() + 2 * removed.size());
      TreeSet<String> theirs = new TreeSet<>();
      state.list(now).stream()
          .map(ban -> ban.ban().ip().toString())
          .filter(ip -> ip.startsWith("198."))
          .forEach(theirs::add);
      assertThat(theirs).as(where).isEqualTo(patched);
      assertThat(WrittenDocument.read(store.document()).entries().keySet())
          .as(where)
          .isEqualTo(ShownBans.of(state, now).bans().keySet());
    }

    @Override
    public void close() {
      leaders.forEach(BlocklistProjection::close);
      log.close();
    }
  }
}
