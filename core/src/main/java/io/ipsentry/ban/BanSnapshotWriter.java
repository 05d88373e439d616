package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The writing half of {@link BanSnapshot}, where the form is told. Confined to one thread. */
final class BanSnapshotWriter {
  private final SnapshotOutput out;
  private final Map<BanSlots.Label, Long> labels = new HashMap<>();
  private final BanSlots.@Nullable Label[] recent = new BanSlots.Label[BanSnapshot.LABELS];
  private long labelsEver;

  BanSnapshotWriter(SnapshotOutput out) {
    this.out = out;
  }

  void write(ActiveBans state) throws IOException {
    state.whileUnchanged(held -> {
      String edit = held.lastEdit();
      out.u8(edit == null ? 1 : BanSnapshot.VERSION);
      out.number(held.head());
      if (held.foldMillis() == Long.MIN_VALUE) {
        out.number(0);
      } else {
        out.number(1);
        out.number(held.foldMillis());
      }
      bans(held.slots(), held::chain);
      allows(held.allows().list(held.foldMillis()));
      feeds(held.feeds().values());
      if (edit != null) {
        text(edit);
      }
    });
  }

  @FunctionalInterface
  private interface ChainOf {
    int first(IpPrefix ip);
  }

  private void bans(BanSlots slots, ChainOf chains) throws IOException {
    out.number(slots.used());
    int[] sorted = slots.inOrderOfPrefixes();
    for (int i = 0; i < sorted.length; ) {
      int end = i + 1;
      while (end < sorted.length && slots.comparePrefixes(sorted[i], sorted[end]) == 0) {
        end++;
      }
      IpPrefix ip = slots.ip(sorted[i]);
      // Most are alone; where they are looked for is as far away as they are.
      int chain = end == i + 1 ? sorted[i] : chains.first(ip);
      for (int slot = chain; slot != BanSlots.NONE; slot = slots.next(slot)) {
        ban(slots.copy(slot), ip, slot == chain);
      }
      i = end;
    }
  }

  private void ban(BanSlots.Copy ban, IpPrefix ip, boolean first) throws IOException {
    boolean floor = ban.offence() == 0;
    boolean permanent = ban.until() == ActiveBans.FOR_EVER;
    boolean evidence = !floor && ban.hasEvidence();
    int flags = ip.isV4() ? BanSnapshot.V4 : 0;
    flags |= first ? 0 : BanSnapshot.SAME_PREFIX;
    if (floor) {
      flags |= BanSnapshot.FLOOR;
    } else {
      flags |= ban.seenAsCode();
      flags |= ban.isUnbanned() ? BanSnapshot.UNBANNED : 0;
      flags |= evidence ? BanSnapshot.EVIDENCE : 0;
      flags |= permanent ? BanSnapshot.PERMANENT : 0;
    }
    out.u8(flags);
    if (first) {
      prefix(ip);
    }
    if (floor) {
      out.number(ban.until());
      return;
    }
    out.number(ban.seq());
    out.number(ban.at());
    if (!permanent) {
      difference(ban.until() - ban.at());
    }
    if (evidence) {
      difference(ban.evidenceAge());
    }
    out.number(ban.hits());
    out.number(ban.offence());
    label(ban.label());
  }

  private void label(BanSlots.Label label) throws IOException {
    Long known = labels.get(label);
    if (known != null) {
      out.number(labelsEver - known);
      return;
    }
    out.number(0);
    String scope = label.scope();
    out.u8(scope == null ? 0 : 1);
    text(label.rule());
    text(label.reason());
    text(label.by());
    if (scope != null) {
      text(scope);
    }
    int at = (int) (labelsEver % BanSnapshot.LABELS);
    BanSlots.Label fallsOut = recent[at];
    if (fallsOut != null) {
      labels.remove(fallsOut);
    }
    recent[at] = label;
    labels.put(label, labelsEver++);
  }

  private void allows(List<ActiveBans.Allowance> allows) throws IOException {
    out.number(allows.size());
    for (ActiveBans.Allowance entry : allows) {
      BanEvent.Allow allow = entry.allow();
      out.u8(allow.ip().isV4() ? 4 : 6);
      prefix(allow.ip());
      out.number(entry.seq());
      out.number(allow.at().toEpochMilli());
      Instant until = allow.until();
      out.number(until == null ? 0 : 1);
      if (until != null) {
        out.number(until.toEpochMilli());
      }
      text(allow.by());
      text(allow.reason());
    }
  }

  private void feeds(Collection<ActiveBans.FeedState> feeds) throws IOException {
    out.number(feeds.size());
    for (ActiveBans.FeedState entry : feeds) {
      BanEvent.Feed feed = entry.feed();
      out.number(entry.seq());
      out.number(feed.at().toEpochMilli());
      text(feed.feed());
      text(feed.digest());
      out.number(feed.entries());
      text(feed.by());
    }
  }

  private void prefix(IpPrefix ip) throws IOException {
    out.u8(ip.bits());
    if (ip.isV4()) {
      out.i32((int) ip.lo());
    } else {
      out.i64(ip.hi());
      out.i64(ip.lo());
    }
  }

  private void text(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.number(bytes.length);
    out.bytes(bytes);
  }

  private void difference(long value) throws IOException {
    out.number(value << 1 ^ value >> 63);
  }
}
