package io.ipsentry.testing.traffic;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * An endless stream of requests in order of time, the same for the same seed: visitors, and
 * attackers of several kinds.
 *
 * <p>Addresses are those of the benchmark and documentation ranges. Some attackers ask at intervals
 * just below, at and above 120 s and 60 s, so that windows of these lengths are tried at their
 * edges; some sit in ranges that are usually protected (10.0.0.0/8, 192.0.2.0/24); IPv6 attackers
 * change their address within their /64. Confined to one thread.
 */
public final class Traffic implements Iterator<SampleRequest> {
  private final Random random;
  private final PriorityQueue<Turn> turns =
      new PriorityQueue<>(Comparator.comparingLong(Turn::at).thenComparingLong(Turn::order));
  private long order;

  /**
   * How many clients of each kind there are.
   *
   * @param visitors ordinary clients, who ask for a page every few minutes
   * @param attackers of every kind together
   */
  public record Crowd(int visitors, int attackers) {
    /** About half of the requests are attackers', most of whom would be banned by then. */
    public static final Crowd MIXED = new Crowd(2_000, 140);
  }

  /** When a client acts next; {@code order} keeps those of one second in a fixed order. */
  private record Turn(long at, long order, SampleClient client) {}

  /** A stream that begins at {@code start} (whole seconds). */
  public Traffic(long seed, Instant start, Crowd crowd) {
    random = new Random(seed);
    List<SampleClient> clients = new ArrayList<>();
    IntStream.range(0, crowd.visitors()).mapToObj(SampleClient::visitor).forEach(clients::add);
    IntStream.range(0, crowd.attackers()).mapToObj(SampleClient::attacker).forEach(clients::add);
    for (SampleClient client : clients) {
      turns.add(new Turn(start.getEpochSecond() + random.nextInt(600), order++, client));
    }
  }

  @Override
  public boolean hasNext() {
    return true;
  }

  @Override
  public SampleRequest next() {
    Turn turn = turns.remove();
    SampleRequest request = turn.client().request(Instant.ofEpochSecond(turn.at()), random);
    turns.add(new Turn(turn.at() + turn.client().pauseSeconds(random), order++, turn.client()));
    return request;
  }

  /** The next {@code count} requests. */
  public List<SampleRequest> take(int count) {
    List<SampleRequest> requests = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      requests.add(next());
    }
    return requests;
  }
}
