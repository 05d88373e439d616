package io.ipsentry.cli;

import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.ban.ActiveBans.FeedState;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.Standing;
import io.ipsentry.net.IpPrefix;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code get}: tells what holds for an address. */
@Command(
    name = "get",
    header = "Tell whether an address is banned, and why.",
    description = {"Exit 0: banned. Exit 1: not banned, or banned without force.", ""},
    footer = {
      "",
      "Examples:",
      "  ip-sentry get 203.0.113.7",
      "  ip-sentry get 203.0.113.7 -o json"
    })
final class GetCommand extends OperatorCommand {
  @Parameters(paramLabel = "IP", description = "Address or prefix.")
  private IpPrefix ip = IpPrefix.ofV4(0);

  GetCommand(Shell shell) {
    super(shell);
  }

  @Override
  int act(BanOperations operations) {
    Standing standing = operations.get(ip);
    if (isJson()) {
      json(standing);
    } else {
      tell(standing);
    }
    return standing.banned() ? ExitCode.DONE : ExitCode.NO;
  }

  private void tell(Standing standing) {
    Style style = Style.of(shell);
    shell
        .out()
        .println(
            standing.ip()
                + " is "
                + (standing.banned() ? style.red("banned") : style.green("not banned")));
    for (ListedBan listed : standing.bans()) {
      tell(listed);
    }
    for (Allowance entry : standing.allowedBy()) {
      BanEvent.Allow allow = entry.allow();
      say(
          "  allowed by "
              + allow.ip()
              + ", "
              + until(allow.until() == null, Times.end(allow.until()))
              + ", since "
              + Times.format(allow.at())
              + ", by "
              + allow.by()
              + because(allow.reason()));
    }
    for (FeedState state : standing.heldBy()) {
      BanEvent.Feed feed = state.feed();
      say(
          "  held by feed "
              + feed.feed()
              + ", "
              + feed.entries()
              + (feed.entries() == 1 ? " prefix" : " prefixes")
              + ", since "
              + Times.format(feed.at())
              + ", by "
              + feed.by());
    }
    for (String name : standing.unreadFeeds()) {
      say("  feed " + name + " cannot be read now, and may hold it");
    }
    if (standing.protectedBy() != null) {
      say("  never banned: " + standing.protectedBy().description());
    }
  }

  private void tell(ListedBan listed) {
    BanEvent.Ban ban = listed.ban();
    String left =
        ban.until() == null
            ? ""
            : " (" + Times.left(shell.clock().instant(), ban.until()) + " left)";
    say(
        "  ban of "
            + ban.ip()
            + ", "
            + until(ban.until() == null, Times.end(ban.until()))
            + left
            + (listed.inForce() ? "" : ", without force")
            + (ban.scope() == null ? "" : ", for policy " + ban.scope() + " only"));
    say(
        "    since "
            + Times.format(ban.at())
            + ", rule "
            + ban.rule()
            + (ban.hits() == 0 ? "" : ", " + ban.hits() + (ban.hits() == 1 ? " hit" : " hits"))
            + ", offence "
            + ban.offence()
            + ", seen as "
            + ban.seenAs().wireName()
            + ", by "
            + ban.by()
            + because(ban.reason()));
  }

  private static String until(boolean permanent, String end) {
    return permanent ? end : "until " + end;
  }

  private static String because(String reason) {
    return reason.isEmpty() ? "" : ": " + reason;
  }

  private void json(Standing standing) {
    json()
        .object(json -> {
          json.writeStringField("ip", standing.ip().toString());
          json.writeBooleanField("banned", standing.banned());
          json.writeArrayFieldStart("bans");
          for (ListedBan ban : standing.bans()) {
            json.writeStartObject();
            BanFields.listed(json, ban);
            json.writeEndObject();
          }
          json.writeEndArray();
          json.writeArrayFieldStart("allowed_by");
          for (Allowance entry : standing.allowedBy()) {
            json.writeStartObject();
            BanFields.allowance(json, entry);
            json.writeEndObject();
          }
          json.writeEndArray();
          json.writeArrayFieldStart("held_by");
          for (FeedState feed : standing.heldBy()) {
            json.writeStartObject();
            BanFields.feed(json, feed);
            json.writeEndObject();
          }
          json.writeEndArray();
          json.writeArrayFieldStart("unread_feeds");
          for (String name : standing.unreadFeeds()) {
            json.writeString(name);
          }
          json.writeEndArray();
          if (standing.protectedBy() != null) {
            json.writeObjectFieldStart("protected_by");
            BanFields.refusal(json, standing.protectedBy());
            json.writeEndObject();
          }
        });
  }
}
