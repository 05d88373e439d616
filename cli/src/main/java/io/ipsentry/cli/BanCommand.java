package io.ipsentry.cli;

import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.BanOutcome;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.Refusal;
import io.ipsentry.cli.ConnectionOptions.Access;
import io.ipsentry.net.IpPrefix;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ban}: bans addresses by hand. */
@Command(
    name = "ban",
    header = "Ban addresses or prefixes.",
    description = {
      "Banning again extends the ban; a ban is never shortened (unban it first). An address that is"
          + " protected or on the allowlist is refused with the reason: exit 1. An IPv6 address is"
          + " banned as given, not widened to its /64.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry ban 203.0.113.7",
      "  ip-sentry ban 203.0.113.0/24 2001:db8::/64 --for 7d --reason 'scraper'",
      "  ip-sentry ban 203.0.113.7 --for permanent"
    })
final class BanCommand extends OperatorCommand {
  @Parameters(arity = "1..*", paramLabel = "IP", description = "Address or prefix; never a name.")
  private List<IpPrefix> addresses = List.of();

  @Option(
      names = "--for",
      paramLabel = "LENGTH",
      converter = Length.Converter.class,
      defaultValue = "24h",
      description = "Such as 90s, 30m, 24h, 7d, or permanent. Default: ${DEFAULT-VALUE}.")
  private Length length = new Length(BanOperations.DEFAULT_LENGTH);

  @Option(names = "--reason", paramLabel = "TEXT", description = "For the log and the lists.")
  private String reason = "";

  BanCommand(Shell shell) {
    super(shell);
  }

  @Override
  Access access() {
    return Access.CREATE;
  }

  @Override
  int act(BanOperations operations) {
    int exitCode = ExitCode.DONE;
    for (IpPrefix ip : addresses) {
      BanOutcome outcome = operations.ban(ip, length.duration(), reason, shell.author());
      if (isJson()) {
        json(ip, outcome);
      } else {
        tell(ip, outcome);
      }
      if (outcome instanceof BanOutcome.Refused) {
        exitCode = ExitCode.NO;
      }
    }
    return exitCode;
  }

  private void tell(IpPrefix ip, BanOutcome outcome) {
    switch (outcome) {
      case BanOutcome.Banned(ListedBan ban, var previous) -> {
        String end = end(ban);
        say(
            previous == null
                ? "banned " + ip + " " + end
                : "extended the ban of " + ip + ": now " + end + ", before " + end(previous));
      }
      case BanOutcome.AlreadyBanned(ListedBan ban) ->
          say(
              ip
                  + " is already banned "
                  + end(ban)
                  + "; nothing changed (a ban is not shortened; unban it first)");
      case BanOutcome.Refused(Refusal refusal) ->
          refuse(
              ip
                  + " was not banned: "
                  + refusal.description()
                  + " is never banned; "
                  + mend(refusal));
    }
  }

  private static String mend(Refusal refusal) {
    return switch (refusal.kind()) {
      case "allow" ->
          "take it off the allowlist first: ip-sentry disallow "
              + refusal.prefix()
              + ", or allow in the configuration";
      case "private-network" ->
          "if private addresses are clients here, set protectPrivate: false in the configuration";
      case "never-ban" -> "see neverBan in the configuration";
      case "trusted-proxy" -> "see trustedProxies in the configuration";
      case "cdn" -> "see the feed of that name";
      case "own-address", "gateway", "resolver" -> "banning it would cut off this host";
      default -> "it is no address of a client";
    };
  }

  private static String end(ListedBan ban) {
    return ban.ban().until() == null ? "permanently" : "until " + Times.format(ban.ban().until());
  }

  private void json(IpPrefix ip, BanOutcome outcome) {
    json()
        .object(json -> {
          switch (outcome) {
            case BanOutcome.Banned(ListedBan ban, var previous) -> {
              json.writeStringField("result", previous == null ? "banned" : "extended");
              BanFields.listed(json, ban);
            }
            case BanOutcome.AlreadyBanned(ListedBan ban) -> {
              json.writeStringField("result", "already_banned");
              BanFields.listed(json, ban);
            }
            case BanOutcome.Refused(Refusal refusal) -> {
              json.writeStringField("result", "refused");
              json.writeStringField("ip", ip.toString());
              BanFields.refusal(json, refusal);
            }
          }
        });
  }
}
