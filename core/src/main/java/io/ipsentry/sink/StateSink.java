package io.ipsentry.sink;

import io.ipsentry.net.IpPrefix;
import java.util.List;
import java.util.Optional;

/**
 * A sink that holds an entry for each banned prefix. It knows its own entries from those of others,
 * and touches only those.
 */
public non-sealed interface StateSink extends BanSink {
  /** Most entries of ours. */
  int capacity();

  /**
   * The prefixes by which it can express a ban of a prefix: together exactly that; none: it cannot.
   */
  List<IpPrefix> targets(IpPrefix ban);

  /** All entries there that are ours, in any order; two of one target are both there. */
  List<SinkEntry> entries();

  /**
   * Makes an entry, or takes up one of ours that is there already, as after an answer that was
   * lost.
   *
   * @param target one of {@link #targets}
   * @param ban number of the ban's event
   * @return empty: somebody else's entry is there, and stays as it is
   * @throws SinkException {@code FULL}: there is no room for more; {@code CONTENT}: this target is
   *     not taken, whatever is tried
   */
  Optional<SinkEntry> create(IpPrefix target, long ban);

  /**
   * Makes an entry show another ban, and look as is configured.
   *
   * @return empty: it is there no more
   */
  Optional<SinkEntry> update(SinkEntry entry, long ban);

  /** Removes an entry; one that is gone already is no failure. */
  void delete(SinkEntry entry);
}
