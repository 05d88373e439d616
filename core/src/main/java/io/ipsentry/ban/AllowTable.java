package io.ipsentry.ban;

import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixTable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The allowed prefixes of {@link ActiveBans}. They are made by people, so they are few. */
final class AllowTable {
  private final PrefixTable table = new PrefixTable();
  private final ArrayDeque<Integer> free = new ArrayDeque<>();
  private ActiveBans.@Nullable Allowance[] entries = new ActiveBans.Allowance[16];
  private int entriesEver;
  private long earliestEnd = ActiveBans.FOR_EVER;

  void put(ActiveBans.Allowance allowance) {
    IpPrefix ip = allowance.allow().ip();
    int at = table.get(ip);
    if (at == PrefixTable.NONE) {
      Integer freed = free.poll();
      at = freed != null ? freed : entriesEver++;
    }
    if (at == entries.length) {
      entries = Arrays.copyOf(entries, at * 2);
    }
    entries[at] = allowance;
    table.put(ip, at);
    earliestEnd = Math.min(earliestEnd, end(allowance));
  }

  void remove(IpPrefix ip) {
    int at = table.remove(ip);
    if (at != PrefixTable.NONE) {
      entries[at] = null;
      free.add(at);
    }
  }

  void forgetEnded(long nowMillis) {
    if (nowMillis < earliestEnd) {
      return;
    }
    earliestEnd = ActiveBans.FOR_EVER;
    for (int i = 0; i < entriesEver; i++) {
      ActiveBans.Allowance entry = entries[i];
      if (entry != null && end(entry) <= nowMillis) {
        remove(entry.allow().ip());
      } else if (entry != null) {
        earliestEnd = Math.min(earliestEnd, end(entry));
      }
    }
  }

  boolean covers(long hi, long lo, long atMillis) {
    return table.size() != 0 && find(hi, lo, atMillis) != null;
  }

  ActiveBans.@Nullable Allowance find(long hi, long lo, long atMillis) {
    long match = table.match(hi, lo, IpPrefix.MAX_LENGTH);
    while (match != PrefixTable.NONE) {
      // A racing reader may see a number before its entry.
      ActiveBans.@Nullable Allowance[] read = entries;
      int at = PrefixTable.valueOf(match);
      ActiveBans.Allowance entry = at < read.length ? read[at] : null;
      if (entry != null && atMillis < end(entry)) {
        return entry;
      }
      match = table.match(hi, lo, PrefixTable.lengthOf(match) - 1);
    }
    return null;
  }

  List<ActiveBans.Allowance> list(long atMillis) {
    List<ActiveBans.Allowance> held = new ArrayList<>();
    for (ActiveBans.Allowance entry : entries) {
      if (entry != null && atMillis < end(entry)) {
        held.add(entry);
      }
    }
    held.sort(Comparator.comparing(entry -> entry.allow().ip()));
    return held;
  }

  private static long end(ActiveBans.Allowance allowance) {
    return ActiveBans.millisOf(allowance.allow().until());
  }
}
