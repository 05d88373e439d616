package io.ipsentry.conformance.soak;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.conformance.soak.Asking.Answer;
import io.ipsentry.conformance.soak.Asking.Way;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;

/**
 * Clients that some threads ask about while another one bans and allows them: a request that runs
 * beside a change may be judged either way, all others not.
 */
final class SharedClients implements Soak.Part {
  private static final int CLIENTS = 16;
  private static final Duration BETWEEN_CHANGES = Duration.ofMillis(150);
  private static final Duration BETWEEN_REQUESTS = Duration.ofMillis(20);

  /** Requests that ran beside a change which made a difference. */
  final LongAdder either = new LongAdder();

  final LongAdder asked = new LongAdder();

  private final Soak soak;
  private final List<Client> clients =
      IntStream.range(0, CLIENTS)
          .mapToObj(i ->
              new Client(i % 4 == 3 ? "2001:db8:ff%02x:1::7".formatted(i) : "203.0.113." + (i + 1)))
          .toList();

  /** Only the thread that changes it knows more than the timeline. */
  private static final class Client {
    final String address;
    final Timeline<Boolean> refused = new Timeline<>(false);
    boolean banned;
    boolean allowed;

    Client(String address) {
      this.address = address;
    }
  }

  SharedClients(Soak soak) {
    this.soak = soak;
  }

  /** Changes them. */
  @Override
  public void run() {
    Random random = new Random(soak.seed ^ 0x5eed);
    Pace pace = new Pace(BETWEEN_CHANGES);
    while (soak.goesOn()) {
      pace.await();
      Client client = clients.get(random.nextInt(CLIENTS));
      switch (random.nextInt(4)) {
        case 0 -> {
          // Nobody who is allowed is banned.
          client.banned |= !client.allowed;
          change(
              client,
              () ->
                  assertThat(soak.operator.ban(client.address, Duration.ofHours(2)).isPresent())
                      .isEqualTo(!client.allowed));
        }
        case 1 -> {
          boolean banned = client.banned;
          client.banned = false;
          change(client, () -> assertThat(soak.operator.unban(client.address)).isEqualTo(banned));
        }
        case 2 -> {
          client.allowed = true;
          change(client, () -> soak.operator.allow(client.address));
        }
        default -> {
          client.allowed = false;
          change(client, () -> soak.operator.disallow(client.address));
        }
      }
    }
  }

  private static void change(Client client, Runnable call) {
    client.refused.begin(client.banned && !client.allowed, System.nanoTime());
    call.run();
    client.refused.end(System.nanoTime());
  }

  /** Asks about them. */
  void ask(int thread) {
    Random random = new Random(soak.seed ^ 0xa5cL + thread);
    Pace pace = new Pace(BETWEEN_REQUESTS);
    while (soak.goesOn()) {
      pace.await();
      Client client = clients.get(random.nextInt(CLIENTS));
      Way way = Way.any(random);
      Answer answer = soak.asking.ask(way, client.address, "/orders/" + random.nextInt(1_000));
      soak.checkText(answer, client.address);
      Set<Boolean> possible = client.refused.possible(answer.fromNanos(), answer.toNanos());
      assertThat(possible)
          .as("seed %d: %s by %s", soak.seed, client.address, way)
          .contains(answer.refused());
      asked.increment();
      (possible.size() == 1 ? soak.exact : either).increment();
    }
  }

  @Override
  public void settle(Set<String> bans) {
    for (Client client : clients) {
      assertThat(bans.remove(client.address))
          .as("seed %d: %s", soak.seed, client.address)
          .isEqualTo(client.banned);
    }
  }
}
