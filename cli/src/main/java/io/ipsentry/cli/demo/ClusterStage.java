package io.ipsentry.cli.demo;

import io.ipsentry.ban.SequencedEvent;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * A cluster that runs: nodes with a gateway each, and clients outside. Safe for any thread, but for
 * {@link #close}.
 */
public interface ClusterStage extends AutoCloseable {
  /** Names of the nodes. */
  List<String> nodes();

  /** Who plays. */
  List<ClusterClient> cast();

  /**
   * A client asks the gateway of a node, over a connection of its own.
   *
   * @param node its number, from 0
   * @param headers beside {@code Host}
   * @return the status; empty: no answer within the patience
   */
  OptionalInt ask(
      String address, int node, String target, Map<String, String> headers, Duration patience);

  /** Whether the kernel of a node drops what an address sends. */
  boolean drops(int node, String address);

  /** All events of the ban log, oldest first. */
  List<SequencedEvent> events();

  /** Ends every process and removes every network namespace. */
  @Override
  void close();
}
