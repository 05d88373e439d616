package io.ipsentry.conformance.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.conformance.soak.Asking.Answer;
import io.ipsentry.conformance.soak.Asking.Way;
import io.ipsentry.proto.v1.GetResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * Clients whose requests and whose operator are one thread, so that it knows every verdict but
 * those within which a ban ends by itself.
 */
final class OwnedClients implements Soak.Part {
  private static final int CLIENTS = 20;
  private static final Duration PAUSE = Duration.ofMillis(20);

  /** Of this many requests, one is an operator's instead. */
  private static final int REQUESTS_A_CHANGE = 12;

  /** Requests so shortly before the end of a ban are left out: most would tell nothing. */
  private static final long NEAR_MILLIS = 250;

  private static final Duration PATIENCE = Duration.ofSeconds(Variant.BAN_SECONDS - 5);

  private final Soak soak;
  private final int number;
  private final Random random;
  private final List<Client> clients = new ArrayList<>();

  /** What a client has done, and what was done to it. */
  private static final class Client {
    final String address;

    /** As which rules ban it. */
    final String network;

    boolean allowed;
    int hits;
    long untilMillis;

    Client(String address, String network) {
      this.address = address;
      this.network = network;
    }

    boolean isBanned(long atMillis) {
      return atMillis < untilMillis;
    }

    boolean isNearItsEnd(long atMillis) {
      return isBanned(atMillis) && untilMillis - atMillis < NEAR_MILLIS;
    }

    void banned(long untilMillis) {
      hits = 0;
      this.untilMillis = Math.max(this.untilMillis, untilMillis);
    }

    void unbanned() {
      hits = 0;
      untilMillis = 0;
    }

    @Override
    public String toString() {
      return "%s allowed=%s hits=%d until=%d".formatted(address, allowed, hits, untilMillis);
    }
  }

  OwnedClients(Soak soak, int number) {
    this.soak = soak;
    this.number = number;
    random = new Random(soak.seed + number);
    for (int i = 0; i < CLIENTS; i++) {
      if (i % 4 == 3) {
        // Each in a /48 of its own: neighbours would widen their bans.
        String network = "2001:db8:%x:1::".formatted(number << 8 | i);
        clients.add(new Client(network + "7", network + "/64"));
      } else {
        String address = "198.19.%d.%d".formatted(number, i + 1);
        clients.add(new Client(address, address));
      }
    }
  }

  @Override
  public void run() {
    Pace pace = new Pace(PAUSE);
    while (soak.goesOn()) {
      pace.await();
      Client client = clients.get(random.nextInt(CLIENTS));
      if (!client.isNearItsEnd(System.currentTimeMillis())) {
        if (random.nextInt(REQUESTS_A_CHANGE) == 0) {
          change(client);
        } else {
          ask(client);
        }
      }
    }
  }

  private void ask(Client client) {
    Way way = Way.any(random);
    String target =
        switch (random.nextInt(8)) {
          case 0, 1 -> "/%2e%65nv?x=1";
          case 2 -> "/shell.php";
          case 3 -> "/robots.txt";
          default -> "/orders/" + random.nextInt(1_000);
        };
    String before = client.toString();
    long from = System.currentTimeMillis();
    Answer answer = soak.asking.ask(way, client.address, target);
    soak.checkText(answer, client.address);
    if (client.isBanned(from) != client.isBanned(System.currentTimeMillis())) {
      soak.atTheEndOfBans.increment();
      forget(client);
      return;
    }
    boolean expected = isRefused(client, target, from);
    if (answer.refused() != expected) {
      throw new AssertionError(
          "seed %d: %s asked for %s by %s was %s, now: %s"
              .formatted(
                  soak.seed,
                  before,
                  target,
                  way,
                  answer.refused() ? "refused" : "let pass",
                  soak.operator.get(client.address)));
    }
    if (client.hits == Variant.THRESHOLD) {
      awaitLogged(client);
    }
    soak.exact.increment();
  }

  /** What is right; counts the hit that the request is. */
  private boolean isRefused(Client client, String target, long atMillis) {
    if (client.allowed || target.startsWith("/robots")) {
      return false;
    }
    boolean blocked = target.startsWith("/shell");
    if (client.isBanned(atMillis)) {
      return true;
    }
    boolean hit = blocked || target.startsWith("/%2e");
    client.hits += hit ? 1 : 0;
    return blocked || client.hits == Variant.THRESHOLD;
  }

  /** The ban holds already; once it is in the log, its end is known and an operator can undo it. */
  private void awaitLogged(Client client) {
    GetResponse standing =
        await("ban of " + client + ", seed " + soak.seed)
            .atMost(PATIENCE)
            .pollDelay(Duration.ZERO)
            .pollInterval(Duration.ofMillis(5))
            .until(() -> soak.operator.get(client.address), GetResponse::getBanned);
    assertThat(standing.getBansList())
        .singleElement()
        .satisfies(ban -> {
          assertThat(ban.getIp()).isEqualTo(client.network);
          assertThat(ban.getRule()).isEqualTo("probing");
          assertThat(ban.getHitCount()).isEqualTo(Variant.THRESHOLD);
          client.banned(Operator.end(ban));
        });
  }

  private void change(Client client) {
    switch (random.nextInt(8)) {
      case 0 -> {
        soak.operator.allow(client.address);
        client.allowed = true;
      }
      case 1, 2 -> {
        soak.operator.disallow(client.address);
        client.allowed = false;
      }
      case 3, 4 -> unban(client);
      case 5 -> ban(client, Duration.ofHours(1));
      case 6 -> ban(client, Duration.ofMillis(1_000 + random.nextInt(4_000)));
      default -> {
        long from = System.currentTimeMillis();
        boolean banned = soak.operator.get(client.address).getBanned();
        if (client.isBanned(from) == client.isBanned(System.currentTimeMillis())) {
          assertThat(banned)
              .as("seed %d: %s", soak.seed, client)
              .isEqualTo(client.isBanned(from) && !client.allowed);
        }
      }
    }
    letTheClockGoOn();
  }

  private void ban(Client client, Duration length) {
    OptionalLong until = soak.operator.ban(client.address, length);
    assertThat(until.isEmpty()).as("seed %d: %s", soak.seed, client).isEqualTo(client.allowed);
    until.ifPresent(client::banned);
  }

  private void unban(Client client) {
    long from = System.currentTimeMillis();
    boolean ended = soak.operator.unban(client.address);
    if (!client.network.equals(client.address)) {
      ended |= soak.operator.unban(client.network);
    }
    if (client.isBanned(from) == client.isBanned(System.currentTimeMillis())) {
      assertThat(ended).as("seed %d: %s", soak.seed, client).isEqualTo(client.isBanned(from));
    }
    if (ended) {
      client.unbanned();
    }
  }

  /** Makes what is known about a client true again. */
  private void forget(Client client) {
    ban(client, Duration.ofHours(1));
    unban(client);
    letTheClockGoOn();
  }

  /** A hit in the very millisecond of an operator's change would be one from before it. */
  private static void letTheClockGoOn() {
    long then = System.currentTimeMillis();
    while (System.currentTimeMillis() <= then) {
      LockSupport.parkNanos(200_000);
    }
  }

  @Override
  public void settle(Set<String> bans) {
    for (Client client : clients) {
      boolean listed = bans.remove(client.address);
      listed |= bans.remove(client.network);
      long now = System.currentTimeMillis();
      // The list is a moment old.
      if (!client.isNearItsEnd(now) && Math.abs(now - client.untilMillis) > 2_000) {
        assertThat(listed).as("seed %d: %s", soak.seed, client).isEqualTo(client.isBanned(now));
      }
    }
  }

  @Override
  public String toString() {
    return "clients of thread " + number;
  }
}
