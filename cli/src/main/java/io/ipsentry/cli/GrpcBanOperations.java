package io.ipsentry.cli;

import io.ipsentry.authz.admin.BanMessages;
import io.ipsentry.authz.admin.FeedParts;
import io.ipsentry.authz.admin.WireMessages;
import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.banlog.AllowOutcome;
import io.ipsentry.banlog.BanHistory;
import io.ipsentry.banlog.BanLog;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanOutcome;
import io.ipsentry.banlog.DisallowOutcome;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.Page;
import io.ipsentry.banlog.Standing;
import io.ipsentry.banlog.UnbanOutcome;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.proto.v1.AllowRequest;
import io.ipsentry.proto.v1.BanRequest;
import io.ipsentry.proto.v1.DisallowRequest;
import io.ipsentry.proto.v1.GetRequest;
import io.ipsentry.proto.v1.GetResponse;
import io.ipsentry.proto.v1.HistoryRequest;
import io.ipsentry.proto.v1.ListRequest;
import io.ipsentry.proto.v1.ListResponse;
import io.ipsentry.proto.v1.UnbanRequest;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** {@link BanOperations} that a running instance does for us, over its admin socket. */
final class GrpcBanOperations implements BanOperations {
  private final AdminClient client;

  /** The client is closed with it. */
  GrpcBanOperations(AdminClient client) {
    this.client = client;
  }

  @Override
  public BanOutcome ban(IpPrefix ip, @Nullable Duration length, String reason, String by) {
    BanRequest request = BanMessages.ban(ip, length, reason, by);
    return BanMessages.outcome(client.change(() -> client.bans().ban(request)));
  }

  @Override
  public UnbanOutcome unban(IpPrefix ip, String reason, String by) {
    UnbanRequest request = BanMessages.unban(ip, reason, by);
    return BanMessages.outcome(ip, client.change(() -> client.bans().unban(request)));
  }

  @Override
  public AllowOutcome allow(IpPrefix ip, @Nullable Duration length, String reason, String by) {
    AllowRequest request = BanMessages.allow(ip, length, reason, by);
    return BanMessages.outcome(client.change(() -> client.bans().allow(request)));
  }

  @Override
  public DisallowOutcome disallow(IpPrefix ip, String reason, String by) {
    DisallowRequest request = BanMessages.disallow(ip, reason, by);
    return BanMessages.outcome(ip, client.change(() -> client.bans().disallow(request)));
  }

  @Override
  public Standing get(IpPrefix ip) {
    GetRequest request = GetRequest.newBuilder().setIp(ip.toString()).build();
    GetResponse response = client.ask(() -> client.bans().get(request));
    return new Standing(
        ip,
        response.getBanned(),
        WireMessages.listedBans(response.getBansList()),
        WireMessages.allowEntries(response.getAllowedByList()),
        WireMessages.refusal(response.hasProtectedBy(), response.getProtectedBy()),
        WireMessages.feedEntries(response.getHeldByList()),
        response.getUnreadFeedsList());
  }

  @Override
  public Page<ListedBan> list(@Nullable Instant at, int size, String token) {
    ListResponse response = page(request(at).setPageSize(size).setPageToken(token));
    return page(WireMessages.listedBans(response.getBansList()), response);
  }

  @Override
  public Page<Allowance> listAllowed(@Nullable Instant at, int size, String token) {
    ListResponse response =
        page(request(at).setPageSize(size).setPageToken(token).setAllowed(true));
    return page(WireMessages.allowEntries(response.getAllowedList()), response);
  }

  @Override
  public Page<FeedState> listFeeds(@Nullable Instant at) {
    ListResponse response = page(request(at).setFeeds(true));
    return page(WireMessages.feedEntries(response.getFeedsList()), response);
  }

  @Override
  public Optional<PrefixSet> feedPrefixes(BanEvent.Feed feed) {
    return FeedParts.read(feed, request -> client.ask(() -> client.bans().feedPart(request)));
  }

  private static ListRequest.Builder request(@Nullable Instant at) {
    ListRequest.Builder request = ListRequest.newBuilder();
    return at == null ? request : request.setAt(WireMessages.toProto(at));
  }

  private ListResponse page(ListRequest.Builder request) {
    return client.ask(() -> client.bans().list(request.build()));
  }

  private static <T> Page<T> page(List<T> entries, ListResponse response) {
    return new Page<>(
        entries,
        response.getNextPageToken(),
        response.getTotal(),
        WireMessages.time(response.getAt()),
        response.getHead());
  }

  @Override
  public List<SequencedEvent> history(@Nullable IpPrefix ip, long before, int size) {
    HistoryRequest request =
        HistoryRequest.newBuilder()
            .setIp(ip == null ? "" : ip.toString())
            .setBeforeSeq(before == BanHistory.FROM_NEWEST ? 0 : before)
            .setPageSize(size)
            .build();
    return client.ask(() -> client.bans().history(request)).getEventsList().stream()
        .map(WireMessages::event)
        .toList();
  }

  @Override
  public BanLog.Subscription watch(long from, BanLog.Sink sink) {
    return WatchCall.start(client, from, sink);
  }

  @Override
  public void close() {
    client.close();
  }
}
