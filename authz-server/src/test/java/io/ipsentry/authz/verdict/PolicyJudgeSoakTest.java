package io.ipsentry.authz.verdict;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.authz.verdict.RequestJudge.Caller;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.BanPolicy;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.SqliteBanLog;
import io.ipsentry.config.Config;
import io.ipsentry.config.InlineRules;
import io.ipsentry.detection.DetectionObserver;
import io.ipsentry.detection.RequestDetection;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.SeenAs;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Rule;
import io.ipsentry.rule.Rule.Mode;
import io.ipsentry.rule.RuleSet;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Threads that judge mixed requests while bans and allows come and go, the configuration is
 * reloaded and the windows are stored, on a real store. Every judgement is compared with a model.
 *
 * <p>Each thread judges and changes addresses of its own, so it knows what is right; all share the
 * engine, the log and the state. Beside that all probe one new address an epoch, of which exactly
 * {@code threshold − 1} requests may pass. Time stands still during an epoch and jumps between two.
 *
 * <p>Eight seconds in the build; {@code -Dsoak.minutes=10} for the long form, which looks at the
 * heap too.
 */
class PolicyJudgeSoakTest {
  private static final int THREADS = 4;
  private static final int ADDRESSES = 40;
  private static final int REQUESTS = 300;
  private static final int THRESHOLD = 3;
  private static final Duration WINDOW = Duration.ofMinutes(2);
  private static final Duration BAN = Duration.ofMinutes(1);
  private static final long MINUTES = Long.getLong("soak.minutes", 0);
  private static final long HEAP_GROWTH_BYTES = 24L << 20;

  private final long seed = Long.getLong("soak.seed", System.nanoTime());
  private final AtomicLong now = new AtomicLong(Judging.NOW.toEpochMilli());
  private final AtomicReference<Policies> policies = new AtomicReference<>();
  private final AtomicInteger hotPassed = new AtomicInteger();
  private final AtomicLong judged = new AtomicLong();
  private final List<Config> configs = configs();
  private volatile boolean over;
  private int epoch;

  private static Rule timed(Rule rule) {
    return new Rule(
        rule.id(),
        rule.on(),
        rule.mode(),
        rule.match(),
        rule.ignore(),
        rule.threshold(),
        rule.distinct(),
        WINDOW,
        new BanTerms(BAN, null));
  }

  /** All judge alike, but their rules have other numbers. */
  private static List<Config> configs() {
    Rule probing =
        timed(Judging.rule("probing", Mode.ENFORCE, THRESHOLD, "^/\\.env", "block:^/shell"));
    Rule open = timed(Judging.rule("open", Mode.ENFORCE, 9, "allow:^/robots", "^/never-asked"));
    Rule trial = timed(Judging.rule("trial", Mode.SHADOW, 1, "^/\\.env", "block:^/shell"));
    Rule other = timed(Judging.rule("other", Mode.ENFORCE, 1, "^/nobody"));
    return List.of(
        config(List.of(probing, open)),
        config(List.of(other, open, probing)),
        config(List.of(open, trial, probing, other)));
  }

  private static Config config(List<Rule> rules) {
    return Judging.config(
        rules, Judging.policy("", Mode.ENFORCE, false), Judging.policy("shop", Mode.ENFORCE, true));
  }

  private Instant instant() {
    return Instant.ofEpochMilli(now.get());
  }

  @Test
  void judge_whileEverythingChanges_isAlwaysRight(@TempDir Path dir) throws Exception {
    BanPolicy policy = new BanPolicy(new BanPolicy.Settings("test", 0, 64, false, 7));
    policies.set(Policies.compile(configs.getFirst()));
    try (SqliteBanLog log = SqliteBanLog.open(dir.resolve("bans.db"))) {
      BanWriter writer = new BanWriter(log, new ActiveBans(), this::instant, policy::observe);
      RequestDetection detection = detection(policy, writer).start();
      try (ExecutorService pool = Executors.newFixedThreadPool(THREADS + 1)) {
        run(pool, detection, writer);
      } finally {
        detection.close();
      }
    }
    assertThat(judged.get()).as("seed %d", seed).isGreaterThan(10_000);
  }

  private RequestDetection detection(BanPolicy policy, BanWriter writer) {
    return RequestDetection.appending(
        new RequestDetection.Parts(
            RuleSet.compile(InlineRules.of(configs.getFirst())),
            16 << 20,
            64,
            policy,
            ProtectedPrefixes.NONE,
            DetectionObserver.NONE,
            this::instant,
            System::nanoTime,
            nanos -> {}),
        writer,
        (rules, hit) -> false);
  }

  private void run(ExecutorService pool, RequestDetection detection, BanWriter writer)
      throws Exception {
    long end = System.nanoTime() + (MINUTES > 0 ? MINUTES * 60 : 8) * 1_000_000_000L;
    Heap heap = new Heap(end);
    Random times = new Random(seed);
    CyclicBarrier barrier = new CyclicBarrier(THREADS, () -> nextEpoch(times, end, heap));
    PolicyJudge.Parts parts =
        new PolicyJudge.Parts(
            policies::get,
            () -> ProtectedPrefixes.NONE,
            BanState.own(writer.state()),
            detection,
            new VerdictCounters(),
            new DenialLog(System::nanoTime),
            this::instant,
            System::nanoTime);
    Future<?> changing = pool.submit(() -> change(detection));
    List<Future<@Nullable Void>> judging = new ArrayList<>();
    for (int t = 0; t < THREADS; t++) {
      Worker worker = new Worker(t, parts.judge(), detection, writer, barrier);
      judging.add(pool.submit(worker::runOrStopAll));
    }
    await(judging);
    over = true;
    changing.get();
    heap.check();
  }

  /** The failure of the thread that failed first, not those of the others that waited for it. */
  private static void await(List<Future<@Nullable Void>> threads) throws Exception {
    ExecutionException failure = null;
    for (Future<?> thread : threads) {
      try {
        thread.get();
      } catch (ExecutionException e) {
        failure = failure == null || e.getCause() instanceof AssertionError ? e : failure;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** Run by the last thread that comes to the barrier. */
  private void nextEpoch(Random times, long end, Heap heap) {
    assertThat(hotPassed.getAndSet(0)).as("seed %d epoch %d", seed, epoch).isEqualTo(THRESHOLD - 1);
    epoch++;
    now.addAndGet(1 + times.nextInt(times.nextInt(8) == 0 ? 90_000 : 5_000));
    heap.look();
    if (System.nanoTime() - end > 0) {
      over = true;
    }
  }

  /** Reloads, and stores the windows, as often as can be. */
  private void change(RequestDetection detection) {
    Random random = new Random(seed);
    DataOutputStream out = new DataOutputStream(OutputStream.nullOutputStream());
    while (!over) {
      Config config = configs.get(random.nextInt(configs.size()));
      detection.reload(RuleSet.compile(InlineRules.of(config)));
      policies.set(Policies.compile(config));
      try {
        detection.writeTo(out);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(40)));
    }
  }

  /** Used heap after a collection, once a minute of the long form. */
  private static final class Heap {
    private final long begins;
    private long due;
    private long first;
    private long last;

    Heap(long end) {
      // The first minute warms up: compiled code, automata, the store's caches.
      begins = end - (MINUTES - 1) * 60_000_000_000L;
      due = begins;
    }

    void look() {
      if (MINUTES > 1 && System.nanoTime() - due >= 0) {
        due += 60_000_000_000L;
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        last = runtime.totalMemory() - runtime.freeMemory();
        first = first == 0 ? last : first;
        System.out.printf("soak: heap after GC %,d bytes%n", last);
      }
    }

    void check() {
      assertThat(last - first).as("growth of the heap, bytes").isLessThan(HEAP_GROWTH_BYTES);
    }
  }

  /** What an address of a thread has done and what was done to it; of one policy. */
  private static final class Known {
    final List<Long> hits = new ArrayList<>();
    long until = Long.MIN_VALUE;
    boolean banned;

    boolean isBanned(long at) {
      return banned && at < until;
    }

    /** True: this hit bans. */
    boolean hit(long at, long floor) {
      if (at <= floor) {
        return false;
      }
      hits.removeIf(time -> time <= floor || at - time >= WINDOW.toMillis());
      hits.add(at);
      if (hits.size() < THRESHOLD) {
        return false;
      }
      ban(at);
      return true;
    }

    void ban(long at) {
      hits.clear();
      until = at + BAN.toMillis();
      banned = true;
    }

    void unban(long at) {
      until = at;
      banned = false;
    }
  }

  /** Judges and changes addresses of its own. */
  private final class Worker {
    private final int number;
    private final PolicyJudge judge;
    private final RequestDetection detection;
    private final BanWriter writer;
    private final CyclicBarrier barrier;
    private final Random random;
    private final GatewayRequest request = new GatewayRequest();
    private final Known[] everywhere = new Known[ADDRESSES];
    private final Known[] shop = new Known[ADDRESSES];
    private final boolean[] allowed = new boolean[ADDRESSES];

    Worker(
        int number,
        PolicyJudge judge,
        RequestDetection detection,
        BanWriter writer,
        CyclicBarrier barrier) {
      this.number = number;
      this.judge = judge;
      this.detection = detection;
      this.writer = writer;
      this.barrier = barrier;
      this.random = new Random(seed + number);
      for (int i = 0; i < ADDRESSES; i++) {
        everywhere[i] = new Known();
        shop[i] = new Known();
      }
    }

    @Nullable Void runOrStopAll() throws Exception {
      boolean done = false;
      try {
        run();
        done = true;
      } finally {
        if (!done) {
          over = true;
          barrier.reset();
        }
      }
      return null;
    }

    private void run() throws Exception {
      while (!over) {
        for (int i = 0; i < REQUESTS; i++) {
          if (random.nextInt(100) < 2) {
            settle();
            change(random.nextInt(ADDRESSES));
          } else {
            judgeOne(random.nextInt(ADDRESSES));
          }
          if (i % (REQUESTS / THRESHOLD) == 0) {
            probeTogether();
          }
        }
        settle();
        barrier.await(60, TimeUnit.SECONDS);
      }
    }

    private IpPrefix ip(int address) {
      return address % 4 == 3
          ? IpPrefix.parse("2001:db8:%x:%x::1".formatted(number, address))
          : IpPrefix.ofV4(0xCB00_7100 + number * 64 + address);
    }

    /** What was decided is in the log: only then it is known what people's events end. */
    private void settle() throws InterruptedException {
      CountDownLatch settled = new CountDownLatch(1);
      detection.whenSettled(head -> settled.countDown());
      assertThat(settled.await(60, TimeUnit.SECONDS)).isTrue();
    }

    private void change(int address) {
      Instant at = instant();
      IpPrefix ip = ip(address);
      long millis = at.toEpochMilli();
      switch (random.nextInt(5)) {
        case 0 -> {
          append(new BanEvent.Allow(at, ip, null, "test", ""));
          allowed[address] = true;
        }
        case 1, 2 -> {
          append(new BanEvent.Disallow(at, ip, "test", ""));
          allowed[address] = false;
        }
        case 3 -> {
          append(new BanEvent.Unban(at, unbanned(ip), "test", ""));
          everywhere[address].unban(millis);
          shop[address].unban(millis);
        }
        default -> {
          append(
              new BanEvent.Ban(
                  at, ip, at.plus(BAN), "manual", "", 0, SeenAs.MANUAL, "t", 1, null, null));
          everywhere[address].ban(millis);
        }
      }
    }

    /** An IPv6 client is banned by rules as a network; the hand's bans are of the address. */
    private IpPrefix unbanned(IpPrefix ip) {
      if (!ip.isV4()) {
        append(new BanEvent.Unban(instant(), ip.truncate(64), "test", ""));
      }
      return ip;
    }

    private void append(BanEvent event) {
      assertThat(writer.write((state, at) -> List.of(event)))
          .isInstanceOf(BanWriter.Outcome.Written.class);
    }

    private void judgeOne(int address) {
      boolean inShop = random.nextInt(3) == 0;
      boolean trusted = random.nextInt(5) > 0;
      String target =
          switch (random.nextInt(8)) {
            case 0, 1 -> "/%2e%65nv?x=1";
            case 2 -> "/shell.php";
            case 3 -> "/robots.txt";
            default -> "/orders/" + random.nextInt(1_000);
          };
      String expected = expected(address, inShop, trusted, target);
      String word = judge(inShop ? "shop" : "", ip(address).toString(), target, trusted);
      assertThat(word)
          .as("seed %d thread %d epoch %d: %s %s", seed, number, epoch, ip(address), target)
          .isEqualTo(expected);
    }

    private String expected(int address, boolean inShop, boolean trusted, String target) {
      long at = now.get();
      Known all = everywhere[address];
      Known own = inShop ? shop[address] : all;
      boolean banned = all.isBanned(at) || own.isBanned(at);
      if (allowed[address]) {
        return "address-allowed";
      }
      boolean blocks = target.startsWith("/shell");
      if (target.startsWith("/robots")) {
        return "path-allowed";
      }
      if (banned && !blocks) {
        return "denied";
      }
      boolean hit = blocks || target.startsWith("/%2e");
      // The scoped rule does not count what is banned everywhere either.
      boolean bans = hit && trusted && own.hit(at, Math.max(all.until, own.until));
      return blocks || bans ? "denied" : "not-banned";
    }

    private void probeTogether() {
      String ip = IpPrefix.ofV4(0x0B00_0000 + epoch).toString();
      if (judge("", ip, "/.env", true).equals("not-banned")) {
        hotPassed.incrementAndGet();
      }
    }

    private String judge(String policy, String client, String target, boolean trusted) {
      request.clear();
      Judging.set(request.policy(), policy);
      Judging.set(request.peer(), client);
      Judging.set(request.method(), "GET");
      Judging.set(request.host(), "shop.example");
      Judging.set(request.target(), target);
      judged.incrementAndGet();
      String word = Judging.word(judge.judge(request, trusted ? Caller.TRUSTED : Caller.UNKNOWN));
      // A rule in shadow mode is in one of the configurations, and changes no answer.
      return word.equals("shadow") ? "not-banned" : word;
    }
  }
}
