package io.ipsentry.enforcer.desired;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The desired set after any events, ends, allows, protected prefixes and feeds, beside what each
 * address of a small range is owed, and beside a kernel that is only ever told what has changed.
 */
final class DesiredSetModelTest {
  private static final int ADDRESSES = 32;
  private static final int V4 = 0xcb00_7100;
  private static final long V6 = 0x2001_0db8_0000_0000L;

  private final ActiveBans bans = new ActiveBans();
  private final DesiredSet desired = new DesiredSet(bans);
  private final Map<IpPrefix, BanEvent.Ban> model = new HashMap<>();
  private final Map<IpPrefix, Long> kernel = new HashMap<>();
  private PrefixSet protectedPrefixes = PrefixSet.empty();
  private PrefixSet feeds = PrefixSet.empty();
  private long now = 1_800_000_000_000L;
  private int elementsSeen;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void anyEvents_incrementally_areWhatEachAddressIsOwed(long seed) {
    Random random = new Random(seed);
    desired.refresh(protectedPrefixes, feeds, now, ip -> {});
    for (int step = 0; step < 700; step++) {
      now += random.nextInt(4) == 0 ? random.nextInt(8_000) : 0;
      Set<IpPrefix> affected = new LinkedHashSet<>();
      change(random, affected);
      if (random.nextInt(50) == 0) {
        desired.rebuild(now);
      }
      tellKernel(affected);
      check("seed " + seed + " step " + step, random);
    }
    assertThat(elementsSeen).as("the range is not mostly empty").isGreaterThan(1_000);
  }

  private void change(Random random, Set<IpPrefix> affected) {
    switch (random.nextInt(12)) {
      case 0 -> protectedPrefixes = few(random);
      case 1 -> feeds = few(random);
      default -> event(random, affected);
    }
    if (!desired.refresh(protectedPrefixes, feeds, now, affected::add)) {
      throw new IllegalStateException("a few prefixes are too many");
    }
  }

  private static PrefixSet few(Random random) {
    List<IpPrefix> prefixes = new ArrayList<>();
    for (int i = random.nextInt(3); i > 0; i--) {
      prefixes.add(prefix(random));
    }
    return PrefixSet.of(prefixes);
  }

  private void event(Random random, Set<IpPrefix> affected) {
    Instant at = Instant.ofEpochMilli(now);
    Instant until = random.nextInt(5) == 0 ? null : at.plusMillis(random.nextInt(30_000));
    IpPrefix ip = prefix(random);
    BanEvent event =
        switch (random.nextInt(10)) {
          case 0, 1 -> new BanEvent.Unban(at, ip, "test", "");
          case 2 -> new BanEvent.Allow(at, ip, until, "test", "");
          case 3 -> new BanEvent.Disallow(at, ip, "test", "");
          default ->
              new BanEvent.Ban(
                  at,
                  ip,
                  until,
                  "rule",
                  "",
                  1,
                  List.of(SeenAs.values()).get(random.nextInt(4)),
                  "test",
                  1,
                  null,
                  random.nextInt(5) == 0 ? "shop" : null);
        };
    bans.apply(new SequencedEvent(bans.head() + 1, event));
    switch (event) {
      case BanEvent.Ban ban -> {
        record(ban);
        desired.changed(ip, now, affected::add);
      }
      case BanEvent.Unban unban -> {
        model.remove(ip);
        desired.changed(ip, now, affected::add);
      }
      default -> {}
    }
  }

  private void record(BanEvent.Ban ban) {
    if (ban.scope() != null) {
      return;
    }
    BanEvent.Ban before = model.get(ban.ip());
    boolean stays =
        before != null
            && before.isVisibleAtL3()
            && end(before.until()) > now
            && !ban.isVisibleAtL3();
    model.put(
        ban.ip(),
        stays
            ? new BanEvent.Ban(
                ban.at(),
                ban.ip(),
                ban.until(),
                "rule",
                "",
                1,
                Objects.requireNonNull(before).seenAs(),
                "test",
                1,
                null,
                null)
            : ban);
  }

  /** What the loop does, and what the kernel does by itself. */
  private void tellKernel(Set<IpPrefix> affected) {
    for (IpPrefix ip : affected) {
      long end = desired.endOf(ip, now);
      if (end == DesiredSet.NONE) {
        kernel.remove(ip);
      } else {
        kernel.put(ip, end);
      }
    }
    kernel.values().removeIf(end -> end <= now);
  }

  private void check(String where, Random random) {
    Map<IpPrefix, Long> elements = new HashMap<>();
    desired.forEach(now, (ip, until) -> elements.merge(ip, until, Math::max));
    assertThat(kernel).as(where).isEqualTo(elements);
    elementsSeen += elements.size();
    elements.forEach((ip, end) -> assertThat(desired.endOf(ip, now)).as(where).isEqualTo(end));
    List<IpPrefix> spared = new ArrayList<>(protectedPrefixes.prefixes());
    bans.allows(Instant.ofEpochMilli(now)).forEach(it -> spared.add(it.allow().ip()));
    for (boolean v4 : List.of(true, false)) {
      for (int i = 0; i < ADDRESSES; i++) {
        IpPrefix ip = v4 ? IpPrefix.ofV4(V4 | i) : IpPrefix.address(V6, i);
        assertThat(elementEnd(elements, ip)).as("%s: %s", where, ip).isEqualTo(owed(ip, spared));
      }
    }
    IpPrefix any = prefix(random);
    assertThat(desired.endOf(any, now) != DesiredSet.NONE)
        .as("%s: %s", where, any)
        .isEqualTo(elements.containsKey(any));
    Set<IpPrefix> missing = new HashSet<>();
    KnownElements known = new KnownElements(desired);
    known.forEachMissing(now, Long.MAX_VALUE, (ip, until) -> missing.add(ip));
    known.forEachMissingPiece(now, (ip, until) -> missing.add(ip));
    assertThat(missing).as(where).isEqualTo(elements.keySet());
    if (!elements.isEmpty()) {
      IpPrefix there = elements.keySet().iterator().next();
      known.add(there);
      missing.clear();
      known.forEachMissing(now, Long.MAX_VALUE, (ip, until) -> missing.add(ip));
      known.forEachMissingPiece(now, (ip, until) -> missing.add(ip));
      assertThat(missing).as(where).hasSize(elements.size() - 1).doesNotContain(there);
      known.remove(there);
      assertThat(known.count()).as(where).isZero();
    }
  }

  private static long elementEnd(Map<IpPrefix, Long> elements, IpPrefix ip) {
    return elements.entrySet().stream()
        .filter(element -> element.getKey().contains(ip))
        .mapToLong(Map.Entry::getValue)
        .max()
        .orElse(DesiredSet.NONE);
  }

  private long owed(IpPrefix ip, List<IpPrefix> spared) {
    if (spared.stream().anyMatch(it -> it.contains(ip))) {
      return DesiredSet.NONE;
    }
    if (feeds.contains(ip.hi(), ip.lo())) {
      return DesiredSet.FOR_EVER;
    }
    return model.values().stream()
        .filter(ban -> ban.isVisibleAtL3() && ban.ip().contains(ip))
        .mapToLong(ban -> end(ban.until()))
        .filter(end -> end > now)
        .max()
        .orElse(DesiredSet.NONE);
  }

  private static long end(@Nullable Instant until) {
    return until == null ? DesiredSet.FOR_EVER : until.toEpochMilli();
  }

  private static IpPrefix prefix(Random random) {
    return random.nextBoolean()
        ? IpPrefix.ofV4(V4 | random.nextInt(ADDRESSES)).truncate(27 + random.nextInt(6))
        : IpPrefix.address(V6, random.nextInt(ADDRESSES)).truncate(123 + random.nextInt(6));
  }
}
