package io.ipsentry.enforcer.sync;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.enforcer.kernel.ForwardedForFilter;
import io.ipsentry.enforcer.kernel.PacketFilter;
import io.ipsentry.enforcer.kernel.PacketFilterException;
import io.ipsentry.net.IpPrefix;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A kernel that keeps elements in a map, ends them by a clock in whole seconds as ipset does, and
 * refuses and forgets when it is told to. Safe for any thread.
 */
final class InMemoryPacketFilter implements PacketFilter {
  /** Of ipset: no element lives longer. */
  static final long LIMIT_MILLIS = 2_147_483_000L;

  private final InstantSource clock;
  private final TreeMap<IpPrefix, Long> elements = new TreeMap<>();
  private final List<EnforcerConfig> opened = new ArrayList<>();
  private List<ForwardedForFilter.Ban> lookedFor = List.of();
  private boolean made;
  private PacketFilterException.@Nullable Cause refusal;
  private int refusalsLeft = Integer.MAX_VALUE;
  private int room;
  private int reads;
  private int writes;
  private int flushes;
  private volatile Consumer<IpPrefix> duringRead = shown -> {};
  private volatile Runnable afterApply = () -> {};

  InMemoryPacketFilter(InstantSource clock) {
    this.clock = clock;
  }

  /** As {@link NodeKernel#open}. */
  synchronized NodeKernel open(EnforcerConfig config) {
    refuse();
    opened.add(config);
    return new NodeKernel(
        this,
        "it is a test",
        config.forwardedForPorts().isEmpty() ? Optional.empty() : Optional.of(this::headers),
        () -> Optional.of("the node has other tables"),
        List::of,
        this::flush);
  }

  private synchronized ForwardedForFilter.Outcome headers(List<ForwardedForFilter.Ban> bans) {
    refuse();
    lookedFor = List.copyOf(bans);
    return new ForwardedForFilter.Outcome(List.of(), List.of());
  }

  @Override
  public String name() {
    return "memory";
  }

  @Override
  public synchronized List<String> ensure(int wanted) {
    refuse();
    room = wanted;
    List<String> mended = made ? List.of() : List.of("made the sets");
    made = true;
    return mended;
  }

  @Override
  public long maxTimeoutMillis() {
    return LIMIT_MILLIS;
  }

  @Override
  public void apply(Changes changes) {
    applyAll(changes);
    afterApply.run();
  }

  private synchronized void applyAll(Changes changes) {
    refuse();
    long now = clock.millis();
    changes.forEach(
        new ChangeVisitor() {
          @Override
          public void put(IpPrefix prefix, long untilMillis) {
            if (untilMillis > now) {
              writes++;
              elements.put(prefix, kept(untilMillis, now));
            } else {
              // One that is not there is no change.
              writes += elements.remove(prefix) == null ? 0 : 1;
            }
          }

          @Override
          public void remove(IpPrefix prefix) {
            writes++;
            elements.remove(prefix);
          }
        });
    end();
    if (elements.size() > room || !made) {
      throw new PacketFilterException(PacketFilterException.Cause.TOO_MANY, "no room");
    }
  }

  private static long kept(long untilMillis, long now) {
    if (untilMillis == FOR_EVER) {
      return FOR_EVER;
    }
    long left = (Math.min(untilMillis - now, LIMIT_MILLIS) + 999) / 1_000;
    return now + left * 1_000;
  }

  /** As a kernel lists: while others change it, each element as it is when its turn comes. */
  @Override
  public void read(ElementVisitor visitor) {
    Map.@Nullable Entry<IpPrefix, Long> next = first();
    while (next != null) {
      visitor.element(next.getKey(), next.getValue());
      IpPrefix shown = next.getKey();
      duringRead.accept(shown);
      next = after(shown);
    }
  }

  private synchronized Map.@Nullable Entry<IpPrefix, Long> first() {
    refuse();
    reads++;
    if (!made) {
      throw new PacketFilterException(PacketFilterException.Cause.OTHER, "no set");
    }
    end();
    return elements.firstEntry();
  }

  private synchronized Map.@Nullable Entry<IpPrefix, Long> after(IpPrefix shown) {
    refuse();
    end();
    return elements.higherEntry(shown);
  }

  @Override
  public synchronized DropCounters drops() {
    refuse();
    return new DropCounters(1, 2, 3, 4);
  }

  @Override
  public synchronized void flush() {
    refuse();
    flushes++;
    elements.clear();
    made = false;
  }

  private void end() {
    long now = clock.millis();
    elements.values().removeIf(end -> end <= now);
  }

  private void refuse() {
    PacketFilterException.Cause cause = refusal;
    if (cause != null && refusalsLeft > 0) {
      refusalsLeft--;
      throw new PacketFilterException(cause, "refused: " + cause);
    }
  }

  // ---- what others do to it

  /** What the reading thread does after each element that it has shown. */
  void duringRead(Consumer<IpPrefix> what) {
    duringRead = what;
  }

  /** What the changing thread does after each batch. */
  void afterApply(Runnable what) {
    afterApply = what;
  }

  synchronized void refuseWith(PacketFilterException.@Nullable Cause cause, int times) {
    refusal = cause;
    refusalsLeft = times;
  }

  synchronized void tamper(String ip, long untilMillis) {
    made = true;
    elements.put(IpPrefix.parse(ip), untilMillis);
  }

  synchronized void forget(IpPrefix ip) {
    elements.remove(ip);
  }

  synchronized void destroy() {
    elements.clear();
    made = false;
  }

  synchronized Map<IpPrefix, Long> elements() {
    end();
    return Map.copyOf(elements);
  }

  synchronized List<String> texts() {
    end();
    return elements.keySet().stream().map(IpPrefix::toString).toList();
  }

  synchronized List<EnforcerConfig> opened() {
    return List.copyOf(opened);
  }

  synchronized List<ForwardedForFilter.Ban> lookedFor() {
    return lookedFor;
  }

  synchronized int reads() {
    return reads;
  }

  synchronized int writes() {
    return writes;
  }

  synchronized int flushes() {
    return flushes;
  }
}
