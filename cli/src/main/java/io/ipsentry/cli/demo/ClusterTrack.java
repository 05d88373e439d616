package io.ipsentry.cli.demo;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What became of the requests of one client. Safe for any thread. */
public final class ClusterTrack {
  private static final int FORBIDDEN = 403;

  private final ClusterClient client;
  private final List<NodeTrack> nodes = new ArrayList<>();
  private int answers;
  private Optional<Refusal> refusal = Optional.empty();

  /**
   * The first refusal.
   *
   * @param node its number
   * @param nanos from the beginning to it
   * @param answeredBefore requests that were answered before, at all nodes
   */
  public record Refusal(int node, long nanos, int answeredBefore) {}

  ClusterTrack(ClusterClient client, int nodeCount, int slots, Duration length) {
    this.client = client;
    for (int i = 0; i < nodeCount; i++) {
      nodes.add(new NodeTrack(slots, length));
    }
  }

  /** Takes an answer, as {@link NodeTrack#answer}. */
  synchronized void answer(int node, long sent, long done, int status) {
    nodes.get(node).answer(sent, done, status);
    if (status != FORBIDDEN) {
      answers++;
    } else if (refusal.isEmpty()) {
      refusal = Optional.of(new Refusal(node, done, answers));
    }
  }

  public ClusterClient client() {
    return client;
  }

  /** By node. */
  public List<NodeTrack> nodes() {
    return nodes;
  }

  /** The first refusal; empty: there was none. */
  public synchronized Optional<Refusal> refusal() {
    return refusal;
  }

  /** Requests that were answered, at all nodes. */
  public synchronized int answers() {
    return answers;
  }

  /**
   * Whether it ended as it should: an attacker was refused or dropped at each node, and nobody else
   * anywhere.
   */
  public boolean isRight() {
    return nodes.stream()
        .map(NodeTrack::result)
        .allMatch(result ->
            client.hostile()
                ? result.refused() + result.dropped() > 0
                : result.refused() + result.dropped() == 0 && result.answered() > 0);
  }
}
