package io.ipsentry.banlog;

import io.ipsentry.ban.ActiveBan;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.Protection;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.net.SeenAs;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * {@link BanOperations} on a log that this process holds.
 *
 * <p>Decisions are made on the state of the log's head and appended only if it is still the head
 * ({@link BanWriter}), so two operators at once cannot undo each other unseen. Safe for any thread.
 */
public final class LogBanOperations implements BanOperations {
  /** Name that bans by hand have in place of a rule's. */
  public static final String RULE = "manual";

  private static final int READ_BATCH = 10_000;

  private final BanLog log;
  private final BanHistory history;
  private final BanWriter writer;
  private final Supplier<ProtectedPrefixes> protection;
  private final FeedContents feeds;
  private final InstantSource clock;
  private final Runnable onClose;
  private final PastState past = new PastState();

  /**
   * Operations on a log that stays the caller's to close.
   *
   * @param history the same log
   * @param writer of the same log
   * @param protection the never-ban set of the moment
   */
  public LogBanOperations(
      BanLog log,
      BanHistory history,
      BanWriter writer,
      Supplier<ProtectedPrefixes> protection,
      InstantSource clock) {
    this(log, history, writer, protection, FeedContents.NONE, clock);
  }

  /**
   * As the other, with feeds.
   *
   * @param feeds for {@link #get}
   */
  public LogBanOperations(
      BanLog log,
      BanHistory history,
      BanWriter writer,
      Supplier<ProtectedPrefixes> protection,
      FeedContents feeds,
      InstantSource clock) {
    this(log, history, writer, protection, feeds, clock, () -> {});
  }

  private LogBanOperations(
      BanLog log,
      BanHistory history,
      BanWriter writer,
      Supplier<ProtectedPrefixes> protection,
      FeedContents feeds,
      InstantSource clock,
      Runnable onClose) {
    this.log = log;
    this.history = history;
    this.writer = writer;
    this.protection = protection;
    this.feeds = feeds;
    this.clock = clock;
    this.onClose = onClose;
  }

  /** Operations on a log that is used for nothing else, and closed with them. */
  public static LogBanOperations owning(
      SqliteBanLog log, ProtectedPrefixes protection, InstantSource clock) {
    return owning(log, protection, FeedContents.NONE, () -> {}, clock);
  }

  /**
   * As the other, with feeds.
   *
   * @param closeFeeds called when the operations are closed
   */
  public static LogBanOperations owning(
      SqliteBanLog log,
      ProtectedPrefixes protection,
      FeedContents feeds,
      Runnable closeFeeds,
      InstantSource clock) {
    BanWriter writer = BanWriter.start(log, clock, event -> {});
    return new LogBanOperations(
        log,
        log,
        writer,
        () -> protection,
        feeds,
        clock,
        () -> {
          log.close();
          closeFeeds.run();
        });
  }

  @Override
  public BanOutcome ban(IpPrefix ip, @Nullable Duration length, String reason, String by) {
    checkLength(length);
    return write(
        ip,
        (state, now) -> {
          Optional<Refusal> refusal = refusal(state, now, ip);
          if (refusal.isPresent()) {
            return Plan.nothing(new BanOutcome.Refused(refusal.get()));
          }
          Instant until = length == null ? null : now.plus(length);
          ActiveBan standing = everywhere(state, now, ip);
          if (standing != null) {
            boolean endsLater = !isBefore(standing.ban().until(), until);
            if (endsLater && standing.ban().isVisibleAtL3()) {
              return Plan.nothing(new BanOutcome.AlreadyBanned(listed(standing, true)));
            }
            until = endsLater ? standing.ban().until() : until;
          }
          // A ban by hand is no further offence, but it must not hide those there were.
          int offence = state.lastOffence(ip).map(ActiveBans.Offence::number).orElse(1);
          BanEvent.Ban ban =
              new BanEvent.Ban(
                  now, ip, until, RULE, reason, 0, SeenAs.MANUAL, by, offence, null, null);
          ListedBan previous = standing == null ? null : listed(standing, true);
          return new Plan<>(
              List.of(ban), seq -> new BanOutcome.Banned(new ListedBan(seq, ban, true), previous));
        });
  }

  @Override
  public UnbanOutcome unban(IpPrefix ip, String reason, String by) {
    return write(
        ip,
        (state, now) -> {
          Force force = force(state, now);
          List<ListedBan> covering = force.listed(covering(state, now, ip));
          List<ActiveBan> standing = state.get(ip, now);
          if (standing.isEmpty()) {
            return Plan.nothing(new UnbanOutcome.NotBanned(ip, covering));
          }
          ListedBan ended = force.listed(standing.getFirst());
          return new Plan<>(
              List.of(new BanEvent.Unban(now, ip, by, reason)),
              seq -> new UnbanOutcome.Unbanned(seq, ended, covering));
        });
  }

  @Override
  public AllowOutcome allow(IpPrefix ip, @Nullable Duration length, String reason, String by) {
    checkLength(length);
    return write(
        null,
        (state, now) -> {
          Instant until = length == null ? null : now.plus(length);
          Optional<Allowance> standing =
              state.allows(now).stream().filter(entry -> entry.allow().ip().equals(ip)).findFirst();
          if (standing.isPresent() && !isBefore(standing.get().allow().until(), until)) {
            return Plan.nothing(new AllowOutcome.AlreadyAllowed(standing.get()));
          }
          BanEvent.Allow allow = new BanEvent.Allow(now, ip, until, by, reason);
          List<ListedBan> withoutForce =
              state.overlapping(ip, now, MAX_SHOWN).stream()
                  .map(ban -> listed(ban, !ip.contains(ban.ban().ip())))
                  .toList();
          return new Plan<>(
              List.of(allow),
              seq -> new AllowOutcome.Allowed(new Allowance(seq, allow), withoutForce));
        });
  }

  @Override
  public DisallowOutcome disallow(IpPrefix ip, String reason, String by) {
    return write(
        null,
        (state, now) -> {
          List<Allowance> allows = state.allows(now);
          if (allows.stream().noneMatch(entry -> entry.allow().ip().equals(ip))) {
            Refusal configured = protection.get().protects(ip).map(this::refusal).orElse(null);
            return Plan.nothing(
                new DisallowOutcome.NotAllowed(ip, covering(allows, ip), configured));
          }
          List<Allowance> rest =
              allows.stream().filter(entry -> !entry.allow().ip().equals(ip)).toList();
          Force force = force(rest);
          List<ListedBan> inForceAgain =
              force.listed(state.overlapping(ip, now, MAX_SHOWN)).stream()
                  .filter(ListedBan::inForce)
                  .toList();
          return new Plan<>(
              List.of(new BanEvent.Disallow(now, ip, by, reason)),
              seq -> new DisallowOutcome.Disallowed(seq, inForceAgain));
        });
  }

  @Override
  public Standing get(IpPrefix ip) {
    writer.catchUp();
    Instant now = clock.instant();
    ActiveBans state = writer.state();
    List<ActiveBan> bans = new ArrayList<>(state.get(ip, now));
    bans.addAll(covering(state, now, ip));
    List<Allowance> allows = state.allows(now);
    Optional<Protection> protectedBy = protection.get().protects(ip);
    List<FeedState> heldBy = new ArrayList<>();
    List<String> unread = new ArrayList<>();
    for (FeedState announced : state.feeds().values()) {
      if (announced.feed().entries() > 0) {
        Optional<PrefixSet> prefixes = feeds.prefixes(announced.feed());
        if (prefixes.isEmpty()) {
          unread.add(announced.feed().feed());
        } else if (prefixes.get().covers(ip)) {
          heldBy.add(announced);
        }
      }
    }
    boolean banned =
        (!heldBy.isEmpty() || bans.stream().anyMatch(ban -> ban.ban().scope() == null))
            && protectedBy.isEmpty()
            && allows.stream().noneMatch(entry -> entry.allow().ip().overlaps(ip));
    return new Standing(
        ip,
        banned,
        force(allows).listed(bans.stream().limit(MAX_SHOWN).toList()),
        covering(allows, ip),
        protectedBy.map(this::refusal).orElse(null),
        heldBy,
        unread);
  }

  @Override
  public Page<ListedBan> list(@Nullable Instant at, int size, String token) {
    checkSize(size);
    Moment moment = moment(at, token);
    List<ActiveBan> bans = moment.state.list(moment.at, moment.after, size);
    String next = "";
    if (bans.size() == size) {
      ActiveBan last = bans.getLast();
      next = new PageToken(moment.at, last.ban().ip(), last.seq()).toString();
    } else {
      past.drop();
    }
    return new Page<>(
        force(moment.state, moment.at).listed(bans),
        next,
        moment.state.counts(moment.at).bans(),
        moment.at,
        moment.state.head());
  }

  @Override
  public Page<Allowance> listAllowed(@Nullable Instant at, int size, String token) {
    checkSize(size);
    Moment moment = moment(at, token);
    List<Allowance> all = moment.state.allows(moment.at);
    ActiveBans.Cursor after = moment.after;
    List<Allowance> rest =
        after == null
            ? all
            : all.stream().filter(entry -> entry.allow().ip().compareTo(after.ip()) > 0).toList();
    List<Allowance> page = rest.subList(0, Math.min(size, rest.size()));
    String next = "";
    if (page.size() < rest.size()) {
      Allowance last = page.getLast();
      next = new PageToken(moment.at, last.allow().ip(), last.seq()).toString();
    } else {
      past.drop();
    }
    return new Page<>(page, next, all.size(), moment.at, moment.state.head());
  }

  @Override
  public Page<FeedState> listFeeds(@Nullable Instant at) {
    Moment moment = moment(at, "");
    List<FeedState> all = List.copyOf(moment.state.feeds().values());
    past.drop();
    return new Page<>(all, "", all.size(), moment.at, moment.state.head());
  }

  @Override
  public Optional<PrefixSet> feedPrefixes(BanEvent.Feed feed) {
    return feeds.prefixes(feed);
  }

  @Override
  public List<SequencedEvent> history(@Nullable IpPrefix ip, long before, int size) {
    checkSize(size);
    return ip == null ? history.history(before, size) : history.history(ip, before, size);
  }

  @Override
  public BanLog.Subscription watch(long from, BanLog.Sink sink) {
    if (from < 0) {
      throw new IllegalArgumentException("a sequence number must not be negative");
    }
    return log.follow(from == 0 ? log.head() + 1 : from, sink);
  }

  /** Closes the log if it is ours. */
  @Override
  public void close() {
    onClose.run();
  }

  // --- writing

  /** What to append, and what to say when that is done. */
  private record Plan<T>(List<BanEvent> events, LongFunction<T> outcome) {
    static <T> Plan<T> nothing(T outcome) {
      return new Plan<>(List.of(), seq -> outcome);
    }
  }

  @FunctionalInterface
  private interface Planner<T> {
    Plan<T> plan(ActiveBans state, Instant now);
  }

  /**
   * @param about what the plan is about, and nothing else; null: it may depend on anything
   */
  private <T> T write(@Nullable IpPrefix about, Planner<T> planner) {
    List<Plan<T>> plans = new ArrayList<>(1);
    BanWriter.Decision decision =
        (state, now) -> {
          Plan<T> plan = planner.plan(state, now);
          plans.add(plan);
          return plan.events();
        };
    BanWriter.Outcome outcome =
        about == null ? writer.write(decision) : writer.write(about, decision);
    return switch (outcome) {
      case BanWriter.Outcome.Written written -> {
        List<SequencedEvent> events = written.events();
        yield plans.getLast().outcome().apply(events.isEmpty() ? 0 : events.getLast().seq());
      }
      case BanWriter.Outcome.Full full ->
          throw BanLogException.permanent("nothing was changed: " + full.reason());
      case BanWriter.Outcome.Contended contended ->
          throw BanLogException.transientFailure(
              "nothing was changed: other writers were faster each time; try again");
    };
  }

  // --- looking

  private Optional<Refusal> refusal(ActiveBans state, Instant now, IpPrefix ip) {
    Optional<Refusal> configured = protection.get().protects(ip).map(this::refusal);
    return configured.or(() ->
        state.allows(now).stream()
            .map(entry -> entry.allow().ip())
            .filter(allowed -> allowed.overlaps(ip))
            .findFirst()
            .map(allowed -> refusal(new Protection(Protection.Kind.ALLOW, allowed, ""))));
  }

  private Refusal refusal(Protection protection) {
    return new Refusal(protection.kind().wireName(), protection.prefix(), protection.description());
  }

  /** The ban of exactly this prefix that holds for every policy. */
  private static @Nullable ActiveBan everywhere(ActiveBans state, Instant now, IpPrefix ip) {
    return state.get(ip, now).stream()
        .filter(ban -> ban.ban().scope() == null)
        .findFirst()
        .orElse(null);
  }

  /** Bans of wider prefixes, the longest first. */
  private static List<ActiveBan> covering(ActiveBans state, Instant now, IpPrefix ip) {
    List<ActiveBan> covering = new ArrayList<>();
    for (int bits = ip.bits() - 1; bits >= 0 && covering.size() < MAX_SHOWN; bits--) {
      covering.addAll(state.get(ip.truncate(bits), now));
    }
    return covering.subList(0, Math.min(MAX_SHOWN, covering.size()));
  }

  /** Entries that hold for all of a prefix, the longest first. */
  private static List<Allowance> covering(List<Allowance> allows, IpPrefix ip) {
    return allows.stream()
        .filter(entry -> entry.allow().ip().contains(ip))
        .sorted(
            Comparator.comparingInt((Allowance entry) -> entry.allow().ip().length()).reversed())
        .limit(MAX_SHOWN)
        .toList();
  }

  /** Tells bans that refuse somebody from those that nobody feels. */
  private record Force(PrefixSet exempt) {
    ListedBan listed(ActiveBan ban) {
      return LogBanOperations.listed(ban, !exempt.covers(ban.ban().ip()));
    }

    List<ListedBan> listed(List<ActiveBan> bans) {
      return bans.stream().map(this::listed).toList();
    }
  }

  private Force force(ActiveBans state, Instant at) {
    return force(state.allows(at));
  }

  private Force force(List<Allowance> allows) {
    PrefixSet allowed = PrefixSet.of(allows.stream().map(entry -> entry.allow().ip()).toList());
    return new Force(protection.get().prefixes().union(allowed));
  }

  private static ListedBan listed(ActiveBan ban, boolean inForce) {
    return new ListedBan(ban.seq(), ban.ban(), inForce);
  }

  /** Whether an end comes before another; null: never. */
  private static boolean isBefore(@Nullable Instant end, @Nullable Instant other) {
    return end != null && (other == null || end.isBefore(other));
  }

  private static void checkLength(@Nullable Duration length) {
    if (length != null && (length.isNegative() || length.toMillis() == 0)) {
      throw new IllegalArgumentException("a length must be 1 ms or more");
    }
  }

  private static void checkSize(int size) {
    if (size < 1 || size > MAX_PAGE_ENTRIES) {
      throw new IllegalArgumentException("a page has 1 to " + MAX_PAGE_ENTRIES + " entries");
    }
  }

  // --- paging

  private record Moment(ActiveBans state, Instant at, ActiveBans.@Nullable Cursor after) {}

  private Moment moment(@Nullable Instant asked, String token) {
    writer.catchUp();
    Instant now = clock.instant();
    PageToken after = token.isEmpty() ? null : PageToken.parse(token);
    Instant at = after != null ? after.at() : asked != null ? asked : now;
    at = at.truncatedTo(ChronoUnit.MILLIS);
    ActiveBans.Cursor cursor =
        after == null ? null : new ActiveBans.Cursor(after.ip(), after.seq());
    // Later pages of a listing of now lie a little in the past, but are still about the present.
    boolean present = asked == null || !at.isBefore(now);
    return new Moment(present ? writer.state() : past.at(log, at), at, cursor);
  }

  /** The state at one time in the past, kept while its pages are asked for. */
  private static final class PastState {
    private @Nullable ActiveBans state;
    private Instant at = Instant.MIN;

    synchronized ActiveBans at(BanLog log, Instant time) {
      ActiveBans known = state;
      if (known != null && at.equals(time)) {
        return known;
      }
      ActiveBans folded = log.snapshot(time, ActiveBans.Limits.DEFAULT).orElseGet(ActiveBans::new);
      long from = folded.head() + 1;
      folded.foldUpTo(() -> new LogIterator(log, from), time);
      state = folded;
      at = time;
      return folded;
    }

    synchronized void drop() {
      state = null;
    }
  }

  /** The events of a log from a number on, read a batch at a time. */
  private static final class LogIterator implements Iterator<SequencedEvent> {
    private final BanLog log;
    private Iterator<SequencedEvent> batch = List.<SequencedEvent>of().iterator();
    private long next;

    LogIterator(BanLog log, long from) {
      this.log = log;
      this.next = from;
    }

    @Override
    public boolean hasNext() {
      if (!batch.hasNext()) {
        batch = log.read(next, READ_BATCH).iterator();
      }
      return batch.hasNext();
    }

    @Override
    public SequencedEvent next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      SequencedEvent event = batch.next();
      next = event.seq() + 1;
      return event;
    }
  }
}
