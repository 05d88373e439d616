package io.ipsentry.authz.forward;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import io.ipsentry.authz.admin.ApiErrors;
import io.ipsentry.authz.admin.ApiErrors.Reason;
import io.ipsentry.authz.admin.BanMessages;
import io.ipsentry.authz.admin.CallerIdentity;
import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AllowOutcome;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanOutcome;
import io.ipsentry.banlog.DisallowOutcome;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.Page;
import io.ipsentry.banlog.Standing;
import io.ipsentry.banlog.UnbanOutcome;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.proto.v1.BanServiceGrpc;
import io.ipsentry.proto.v1.BanServiceGrpc.BanServiceBlockingStub;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Operations of a replica: it reads its own log, and changes are made by the leader, which may be
 * itself. For calls of the admin API, on threads that may wait. Safe for any thread.
 *
 * <p>A change is passed on for the caller at hand ({@link CallerIdentity}); that he may was found
 * out here. While nobody leads, or who leads cannot be connected to, it is tried again for {@link
 * Limits#leader}. It is never passed on twice, and never tried again when it may have been made:
 * then the failure says so. Before a change is answered, this replica has it, so that its caller
 * reads what he wrote, or {@link Limits#catchUp} has passed.
 */
public final class ForwardingBanOperations implements BanOperations {
  private static final long FIRST_PAUSE_MILLIS = 50;
  private static final long LONGEST_PAUSE_MILLIS = 500;

  private static final Logger logger = LoggerFactory.getLogger(ForwardingBanOperations.class);

  private final BanOperations own;
  private final LeaderChannel leader;
  private final Replica replica;
  private final Limits limits;
  private final LongSupplier ticker;
  private final RandomGenerator random;

  /** What this replica knows of the log. */
  public interface Replica {
    /** Number of the last event that {@link BanOperations} of this replica show. */
    long head();

    /**
     * Reads what is new; may wait.
     *
     * @throws BanLogException if the log cannot be read
     */
    void catchUp();
  }

  /**
   * How long it waits.
   *
   * @param leader until attempts to reach one are given up
   * @param attempt for the answer to one attempt. Whoever is told that there was none does not know
   *     whether the change was made, so the last one has this time, too
   * @param catchUp until this replica has what was written
   */
  public record Limits(Duration leader, Duration attempt, Duration catchUp) {
    /** Within the 20 s of a call of the admin API; another leads 15 s after one was killed. */
    public static final Limits DEFAULT =
        new Limits(Duration.ofSeconds(16), Duration.ofMillis(3_500), Duration.ofSeconds(2));
  }

  /**
   * @param own acts while this replica leads, and always reads; closed with this
   * @param leader stays the caller's to close
   * @param replica the log that {@code own} reads
   * @param ticker elapsed nanoseconds
   * @param random spreads attempts
   */
  public ForwardingBanOperations(
      BanOperations own,
      LeaderChannel leader,
      Replica replica,
      Limits limits,
      LongSupplier ticker,
      RandomGenerator random) {
    this.own = own;
    this.leader = leader;
    this.replica = replica;
    this.limits = limits;
    this.ticker = ticker;
    this.random = random;
  }

  @Override
  public BanOutcome ban(IpPrefix ip, @Nullable Duration length, String reason, String by) {
    BanOutcome outcome =
        change(
            () -> own.ban(ip, length, reason, by),
            to -> BanMessages.outcome(to.ban(BanMessages.ban(ip, length, reason, by))));
    awaitEvent(
        switch (outcome) {
          case BanOutcome.Banned(ListedBan ban, var _) -> ban.seq();
          case BanOutcome.AlreadyBanned(ListedBan ban) -> ban.seq();
          case BanOutcome.Refused _ -> 0;
        });
    return outcome;
  }

  @Override
  public UnbanOutcome unban(IpPrefix ip, String reason, String by) {
    UnbanOutcome outcome =
        change(
            () -> own.unban(ip, reason, by),
            to -> BanMessages.outcome(ip, to.unban(BanMessages.unban(ip, reason, by))));
    awaitEvent(
        switch (outcome) {
          case UnbanOutcome.Unbanned unbanned -> unbanned.seq();
          case UnbanOutcome.NotBanned _ -> 0;
        });
    return outcome;
  }

  @Override
  public AllowOutcome allow(IpPrefix ip, @Nullable Duration length, String reason, String by) {
    AllowOutcome outcome =
        change(
            () -> own.allow(ip, length, reason, by),
            to -> BanMessages.outcome(to.allow(BanMessages.allow(ip, length, reason, by))));
    awaitEvent(
        switch (outcome) {
          case AllowOutcome.Allowed allowed -> allowed.entry().seq();
          case AllowOutcome.AlreadyAllowed already -> already.entry().seq();
        });
    return outcome;
  }

  @Override
  public DisallowOutcome disallow(IpPrefix ip, String reason, String by) {
    DisallowOutcome outcome =
        change(
            () -> own.disallow(ip, reason, by),
            to -> BanMessages.outcome(ip, to.disallow(BanMessages.disallow(ip, reason, by))));
    awaitEvent(
        switch (outcome) {
          case DisallowOutcome.Disallowed disallowed -> disallowed.seq();
          case DisallowOutcome.NotAllowed _ -> 0;
        });
    return outcome;
  }

  // ---- to the leader

  /** Makes a change here, if this replica leads, else there. */
  private <T> T change(Supplier<T> here, Function<BanServiceBlockingStub, T> there) {
    long end = ticker.getAsLong() + limits.leader().toNanos();
    long pause = FIRST_PAUSE_MILLIS;
    while (true) {
      LeaderView seen = leader.leader();
      if (seen instanceof LeaderView.Self) {
        return here.get();
      }
      if (CallerIdentity.isForwarded()) {
        throw ApiErrors.of(
            Status.Code.UNAVAILABLE,
            Reason.NOT_THE_LEADER,
            "this replica does not lead (any more)");
      }
      String why;
      try {
        return there.apply(stub());
      } catch (StatusRuntimeException e) {
        if (!isUndone(e)) {
          throw failure(seen, e);
        }
        why = leader.why(e);
      }
      long left = end - ticker.getAsLong();
      if (left <= 0) {
        throw ApiErrors.of(
            Status.Code.UNAVAILABLE,
            Reason.NO_LEADER,
            "nothing was changed, for no watcher leads at the moment, or it cannot be reached: "
                + why);
      }
      pause(Math.min(TimeUnit.MILLISECONDS.toNanos(pause / 2 + random.nextLong(pause)), left));
      pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
      leader.connectNow();
    }
  }

  private BanServiceBlockingStub stub() {
    return BanServiceGrpc.newBlockingStub(leader.channel())
        .withInterceptors(
            MetadataUtils.newAttachHeadersInterceptor(CallerIdentity.onBehalfOfCaller()))
        .withDeadlineAfter(limits.attempt().toNanos(), TimeUnit.NANOSECONDS);
  }

  /** Whether a failed call surely changed nothing, and may go better at once. */
  private static boolean isUndone(StatusRuntimeException failure) {
    Reason reason = ApiErrors.reason(failure).orElse(Reason.DEFECT);
    return switch (reason) {
      case NOT_THE_LEADER, NO_LEADER, TOO_MANY_CALLS -> true;
      default ->
          failure.getStatus().getCode() == Status.Code.UNAVAILABLE && isNotConnected(failure);
    };
  }

  private static boolean isNotConnected(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ConnectException
          || cause instanceof NoRouteToHostException
          || cause instanceof UnknownHostException) {
        return true;
      }
    }
    return false;
  }

  /** What a call that failed there means here. */
  private RuntimeException failure(LeaderView seen, StatusRuntimeException e) {
    String name = seen instanceof LeaderView.Other other ? other.identity() : "the leader";
    String why = leader.why(e);
    return switch (e.getStatus().getCode()) {
      case UNAUTHENTICATED, PERMISSION_DENIED ->
          BanLogException.permanent(
              "nothing was changed, for "
                  + name
                  + " does not take what this replica passes on: "
                  + why
                  + "; its service account needs the verb forward on bans.ip-sentry.io",
              e);
      case FAILED_PRECONDITION -> BanLogException.permanent(why, e);
      case INVALID_ARGUMENT, INTERNAL, UNIMPLEMENTED ->
          BanLogException.permanent(name + " does not take the call: " + why, e);
      default ->
          isTls(e) || ApiErrors.reason(e).filter(Reason.ACCESS_UNKNOWN::equals).isPresent()
              ? BanLogException.transientFailure("nothing was changed: " + name + ": " + why, e)
              : BanLogException.transientFailure(
                  name + " did not answer, so the change may have been made, or not: " + why, e);
    };
  }

  private static boolean isTls(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SSLException) {
        return true;
      }
    }
    return false;
  }

  // ---- reading what was written

  /** Waits until this replica shows an event; 0: there is none. */
  private void awaitEvent(long seq) {
    long end = ticker.getAsLong() + limits.catchUp().toNanos();
    try {
      while (replica.head() < seq) {
        replica.catchUp();
        if (replica.head() < seq) {
          long left = end - ticker.getAsLong();
          if (left <= 0) {
            logger
                .atWarn()
                .addKeyValue("seq", seq)
                .addKeyValue("head", replica.head())
                .log("a change was made that this replica does not have yet");
            return;
          }
          pause(Math.min(TimeUnit.MILLISECONDS.toNanos(FIRST_PAUSE_MILLIS), left));
        }
      }
    } catch (BanLogException e) {
      // The change is durable; that this replica cannot read must not make it a failure.
      logger.atWarn().setCause(e).addKeyValue("seq", seq).log("a change cannot be read back");
    }
  }

  private static void pause(long nanos) {
    try {
      TimeUnit.NANOSECONDS.sleep(nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw BanLogException.transientFailure("ip-sentry is stopping", e);
    }
  }

  // ---- of this replica

  @Override
  public Standing get(IpPrefix ip) {
    return own.get(ip);
  }

  @Override
  public Page<ListedBan> list(@Nullable Instant at, int size, String token) {
    return own.list(at, size, token);
  }

  @Override
  public Page<Allowance> listAllowed(@Nullable Instant at, int size, String token) {
    return own.listAllowed(at, size, token);
  }

  @Override
  public Page<FeedState> listFeeds(@Nullable Instant at) {
    return own.listFeeds(at);
  }

  @Override
  public Optional<PrefixSet> feedPrefixes(BanEvent.Feed feed) {
    return own.feedPrefixes(feed);
  }

  @Override
  public List<SequencedEvent> history(@Nullable IpPrefix ip, long before, int size) {
    return own.history(ip, before, size);
  }

  @Override
  public BanLog.Subscription watch(long from, BanLog.Sink sink) {
    return own.watch(from, sink);
  }

  @Override
  public void close() {
    own.close();
  }
}
