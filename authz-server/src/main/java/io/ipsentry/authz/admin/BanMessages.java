package io.ipsentry.authz.admin;

import io.ipsentry.banlog.AllowOutcome;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanOutcome;
import io.ipsentry.banlog.DisallowOutcome;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.UnbanOutcome;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.proto.v1.AllowRequest;
import io.ipsentry.proto.v1.AllowResponse;
import io.ipsentry.proto.v1.BanRequest;
import io.ipsentry.proto.v1.BanResponse;
import io.ipsentry.proto.v1.DisallowRequest;
import io.ipsentry.proto.v1.DisallowResponse;
import io.ipsentry.proto.v1.UnbanRequest;
import io.ipsentry.proto.v1.UnbanResponse;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Changes of {@code BanService} as a client writes their requests and reads their responses. An
 * answer of a newer version that this one does not know is a permanent {@link BanLogException}.
 * Stateless.
 */
public final class BanMessages {
  private BanMessages() {}

  /**
   * Asks for a ban.
   *
   * @param length null: permanent
   */
  public static BanRequest ban(IpPrefix ip, @Nullable Duration length, String reason, String by) {
    BanRequest.Builder request =
        BanRequest.newBuilder().setIp(ip.toString()).setReason(reason).setBy(by);
    return length == null
        ? request.setPermanent(true).build()
        : request.setDuration(toProto(length)).build();
  }

  /** What came of it. */
  public static BanOutcome outcome(BanResponse response) {
    return switch (response.getResultCase()) {
      case BANNED -> {
        BanResponse.Banned banned = response.getBanned();
        ListedBan previous =
            banned.hasPrevious() ? WireMessages.listedBan(banned.getPrevious()) : null;
        yield new BanOutcome.Banned(WireMessages.listedBan(banned.getBan()), previous);
      }
      case ALREADY ->
          new BanOutcome.AlreadyBanned(WireMessages.listedBan(response.getAlready().getBan()));
      case REFUSED -> new BanOutcome.Refused(WireMessages.refusal(response.getRefused()));
      case RESULT_NOT_SET -> throw unknownAnswer();
    };
  }

  /** Asks for the end of a ban. */
  public static UnbanRequest unban(IpPrefix ip, String reason, String by) {
    return UnbanRequest.newBuilder().setIp(ip.toString()).setReason(reason).setBy(by).build();
  }

  /** What came of it. */
  public static UnbanOutcome outcome(IpPrefix ip, UnbanResponse response) {
    return switch (response.getResultCase()) {
      case UNBANNED -> {
        UnbanResponse.Unbanned unbanned = response.getUnbanned();
        yield new UnbanOutcome.Unbanned(
            unbanned.getSeq(),
            WireMessages.listedBan(unbanned.getBan()),
            WireMessages.listedBans(unbanned.getStillCoveredByList()));
      }
      case NOT_BANNED ->
          new UnbanOutcome.NotBanned(
              ip, WireMessages.listedBans(response.getNotBanned().getCoveredByList()));
      case RESULT_NOT_SET -> throw unknownAnswer();
    };
  }

  /**
   * Asks for an entry of the allowlist.
   *
   * @param length null: until it is disallowed
   */
  public static AllowRequest allow(
      IpPrefix ip, @Nullable Duration length, String reason, String by) {
    AllowRequest.Builder request =
        AllowRequest.newBuilder().setIp(ip.toString()).setReason(reason).setBy(by);
    if (length != null) {
      request.setDuration(toProto(length));
    }
    return request.build();
  }

  /** What came of it. */
  public static AllowOutcome outcome(AllowResponse response) {
    return switch (response.getResultCase()) {
      case ALLOWED ->
          new AllowOutcome.Allowed(
              WireMessages.allowEntry(response.getAllowed().getEntry()),
              WireMessages.listedBans(response.getAllowed().getWithoutForceList()));
      case ALREADY ->
          new AllowOutcome.AlreadyAllowed(
              WireMessages.allowEntry(response.getAlready().getEntry()));
      case RESULT_NOT_SET -> throw unknownAnswer();
    };
  }

  /** Asks for the end of an entry of the allowlist. */
  public static DisallowRequest disallow(IpPrefix ip, String reason, String by) {
    return DisallowRequest.newBuilder().setIp(ip.toString()).setReason(reason).setBy(by).build();
  }

  /** What came of it. */
  public static DisallowOutcome outcome(IpPrefix ip, DisallowResponse response) {
    return switch (response.getResultCase()) {
      case DISALLOWED ->
          new DisallowOutcome.Disallowed(
              response.getDisallowed().getSeq(),
              WireMessages.listedBans(response.getDisallowed().getInForceAgainList()));
      case NOT_ALLOWED -> {
        DisallowResponse.NotAllowed notAllowed = response.getNotAllowed();
        yield new DisallowOutcome.NotAllowed(
            ip,
            WireMessages.allowEntries(notAllowed.getCoveredByList()),
            WireMessages.refusal(notAllowed.hasConfigured(), notAllowed.getConfigured()));
      }
      case RESULT_NOT_SET -> throw unknownAnswer();
    };
  }

  private static com.google.protobuf.Duration toProto(Duration length) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(length.toSeconds())
        .setNanos(length.toNanosPart())
        .build();
  }

  private static BanLogException unknownAnswer() {
    return BanLogException.permanent(
        "the answer of the running ip-sentry is not known to this version; use its own command");
  }
}
