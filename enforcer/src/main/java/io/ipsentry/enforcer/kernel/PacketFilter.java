package io.ipsentry.enforcer.kernel;

import io.ipsentry.net.IpPrefix;
import java.time.Duration;
import java.util.List;

/**
 * Sets of addresses in the kernel, one a family, and the rules that refuse their packets.
 *
 * <p>An element is a prefix and the time at which it ends by itself, which the kernel keeps even
 * when this process is dead. Elements may lie in one another; a packet is refused when any holds
 * its source. Everything is named after the instance, and nothing that is not is ever touched.
 *
 * <p>All operations but {@link #read} may be repeated without harm. Each may take until {@link
 * #TIMEOUT}, and then has either happened or not, which the next {@link #read} tells. One thread at
 * a time; but while one thread reads, another may {@link #apply} and {@link #makeReady}.
 */
public interface PacketFilter {
  /** End of an element that never ends. */
  long FOR_EVER = Long.MAX_VALUE;

  /** Longest that one operation may take; a program that runs longer is killed. */
  Duration TIMEOUT = Duration.ofSeconds(60);

  /** What enforces, for status and metrics, such as {@code ipset}. */
  String name();

  /**
   * Makes what is missing of tables, chains, rules and sets, and sets right what others changed;
   * what is right is adopted as it is, with its elements and counters. There is no moment in which
   * an element that was enforced is not.
   *
   * @param elements how many elements a family must have room for
   * @return what had to be made or mended, for people; empty: all was as it should be
   * @throws PacketFilterException if the kernel or its programs do not allow it
   */
  List<String> ensure(int elements);

  /**
   * Milliseconds that the kernel lets an element stay at most; {@link #FOR_EVER}: any. One that
   * ends later is given so much, which {@link #read} shows, and has to be put again before that is
   * over.
   */
  long maxTimeoutMillis();

  /**
   * Applies changes, in one batch a family or in pieces of a bounded size, in their order.
   *
   * @throws PacketFilterException if the kernel refuses; some of the changes may be in force then
   */
  void apply(Changes changes);

  /**
   * Prepares what the next {@link #apply} needs, so that it is done sooner; may be called at any
   * time and as often as one likes. {@link #relax} lets go of it.
   *
   * @throws PacketFilterException if a program cannot be started
   */
  default void makeReady() {}

  /** Lets go of what {@link #makeReady} has prepared. */
  default void relax() {}

  /**
   * Shows every element that is in the kernel now, in no order. One that is changed while it reads
   * is shown as it was before or after, or not at all.
   *
   * @throws PacketFilterException also where a set is missing, which {@link #ensure} mends
   */
  void read(ElementVisitor visitor);

  /**
   * What was refused since the rules were made.
   *
   * @throws PacketFilterException if it cannot be read
   */
  DropCounters drops();

  /** Removes everything that bears the name of the instance: rules first, then sets. */
  void flush();

  /** Changes to elements, shown as often as asked and in the same order. */
  interface Changes {
    /** At most so many. */
    int size();

    /** Shows all of them. */
    void forEach(ChangeVisitor visitor);
  }

  /** Is shown changes. */
  interface ChangeVisitor {
    /**
     * An element is to be there until then, whatever its end was before.
     *
     * <p>Everybody ({@code 0.0.0.0/0}, {@code ::/0}) is no element: an {@link
     * IllegalArgumentException}.
     *
     * @param untilMillis milliseconds since 1970, {@link #FOR_EVER}; one that has passed is no
     *     error, the element is then not there
     */
    void put(IpPrefix prefix, long untilMillis);

    /** An element is not to be there; one that is not is no error. */
    void remove(IpPrefix prefix);
  }

  /** Is shown elements. */
  @FunctionalInterface
  interface ElementVisitor {
    /**
     * An element.
     *
     * @param untilMillis when the kernel lets it end, milliseconds since 1970, as exact as the
     *     kernel tells (seconds at ipset); {@link #FOR_EVER}: never
     */
    void element(IpPrefix prefix, long untilMillis);
  }

  /** Packets and bytes refused, by family. */
  record DropCounters(long packets4, long bytes4, long packets6, long bytes6) {}
}
