package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import java.io.DataOutputStream;
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
  private final DataOutputStream out;
  private final Map<BanSlots.Label, Long> labels = new HashMap<>();
  private final BanSlots.@Nullable Label[] recent = new BanSlots.Label[BanSnapshot.LABELS];
  private long labelsEver;

  BanSnapshotWriter(DataOutputStream out) {
    this.out = out;
  }

  void write(ActiveBans state) throws IOException {
    state.whileUnchanged(held -> {
      number(held.head());
      if (held.foldMillis() == Long.MIN_VALUE) {
        number(0);
      } else {
        number(1);
        number(held.foldMillis());
      }
      bans(held.slots(), held.table()::get);
      allows(held.allows().list(held.foldMillis()));
      feeds(held.feeds().values());
    });
  }

  @FunctionalInterface
  private interface ChainOf {
    int first(IpPrefix ip);
  }

  private void bans(BanSlots slots, ChainOf chains) throws IOException {
    number(slots.used());
    @Nullable IpPrefix before = null;
    for (int slot : slots.inOrderOfPrefixes()) {
      IpPrefix ip = slots.ip(slot);
      if (ip.equals(before)) {
        continue; // written with the first of its chain
      }
      before = ip;
      boolean first = true;
      for (int s = chains.first(ip); s != BanSlots.NONE; s = slots.next(s)) {
        ban(slots.copy(s), ip, first);
        first = false;
      }
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
    out.writeByte(flags);
    if (first) {
      prefix(ip);
    }
    if (floor) {
      number(ban.until());
      return;
    }
    number(ban.seq());
    number(ban.at());
    if (!permanent) {
      difference(ban.until() - ban.at());
    }
    if (evidence) {
      difference(ban.at() - ban.evidenceAt());
    }
    number(ban.hits());
    number(ban.offence());
    label(ban.label());
  }

  private void label(BanSlots.Label label) throws IOException {
    Long known = labels.get(label);
    if (known != null) {
      number(labelsEver - known);
      return;
    }
    number(0);
    String scope = label.scope();
    out.writeByte(scope == null ? 0 : 1);
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
    number(allows.size());
    for (ActiveBans.Allowance entry : allows) {
      BanEvent.Allow allow = entry.allow();
      out.writeByte(allow.ip().isV4() ? 4 : 6);
      prefix(allow.ip());
      number(entry.seq());
      number(allow.at().toEpochMilli());
      Instant until = allow.until();
      number(until == null ? 0 : 1);
      if (until != null) {
        number(until.toEpochMilli());
      }
      text(allow.by());
      text(allow.reason());
    }
  }

  private void feeds(Collection<ActiveBans.FeedState> feeds) throws IOException {
    number(feeds.size());
    for (ActiveBans.FeedState entry : feeds) {
      BanEvent.Feed feed = entry.feed();
      number(entry.seq());
      number(feed.at().toEpochMilli());
      text(feed.feed());
      text(feed.digest());
      number(feed.entries());
      text(feed.by());
    }
  }

  private void prefix(IpPrefix ip) throws IOException {
    out.writeByte(ip.bits());
    if (ip.isV4()) {
      out.writeInt((int) ip.lo());
    } else {
      out.writeLong(ip.hi());
      out.writeLong(ip.lo());
    }
  }

  private void text(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    number(bytes.length);
    out.write(bytes);
  }

  private void difference(long value) throws IOException {
    number(value << 1 ^ value >> 63);
  }

  private void number(long value) throws IOException {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      out.writeByte((int) (rest & 0x7f | 0x80));
      rest >>>= 7;
    }
    out.writeByte((int) rest);
  }
}
