package io.ipsentry.cli;

import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.UnbanOutcome;
import io.ipsentry.net.IpPrefix;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code unban}: ends bans by hand. */
@Command(
    name = "unban",
    header = "End the ban of addresses or prefixes.",
    description = {
      "What it did before never counts again; if it offends anew, it is banned anew (see allow). An"
          + " address that is banned only because its prefix is stays banned: the prefix is named,"
          + " and the exit code is 1.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry unban 203.0.113.7",
      "  ip-sentry unban 2001:db8::/64 --reason 'was a customer'"
    })
final class UnbanCommand extends OperatorCommand {
  @Parameters(
      arity = "1..*",
      paramLabel = "IP",
      description = "Address or prefix, as it was banned.")
  private List<IpPrefix> addresses = List.of();

  @Option(names = "--reason", paramLabel = "TEXT", description = "For the log.")
  private String reason = "";

  UnbanCommand(Shell shell) {
    super(shell);
  }

  @Override
  int act(BanOperations operations) {
    int exitCode = ExitCode.DONE;
    for (IpPrefix ip : addresses) {
      UnbanOutcome outcome = operations.unban(ip, reason, shell.author());
      if (isJson()) {
        json(ip, outcome);
      } else {
        tell(ip, outcome);
      }
      if (outcome instanceof UnbanOutcome.NotBanned) {
        exitCode = ExitCode.NO;
      }
    }
    return exitCode;
  }

  private void tell(IpPrefix ip, UnbanOutcome outcome) {
    switch (outcome) {
      case UnbanOutcome.Unbanned(long seq, ListedBan ban, List<ListedBan> covering) ->
          say(
              covering.isEmpty()
                  ? "unbanned " + ip
                  : "unbanned "
                      + ip
                      + ", but it stays banned by "
                      + BanFields.names(covering)
                      + "; unban that too, or allow the address");
      case UnbanOutcome.NotBanned(IpPrefix asked, List<ListedBan> covering) ->
          refuse(
              covering.isEmpty()
                  ? asked + " is not banned"
                  : asked
                      + " is not banned itself, but by "
                      + BanFields.names(covering)
                      + "; unban that, or allow the address: ip-sentry allow "
                      + asked);
    }
  }

  private void json(IpPrefix ip, UnbanOutcome outcome) {
    json()
        .object(json -> {
          switch (outcome) {
            case UnbanOutcome.Unbanned(long seq, ListedBan ban, List<ListedBan> covering) -> {
              json.writeStringField("result", "unbanned");
              json.writeStringField("ip", ip.toString());
              json.writeNumberField("seq", seq);
              BanFields.prefixes(json, "still_covered_by", covering);
            }
            case UnbanOutcome.NotBanned(IpPrefix asked, List<ListedBan> covering) -> {
              json.writeStringField("result", "not_banned");
              json.writeStringField("ip", asked.toString());
              BanFields.prefixes(json, "covered_by", covering);
            }
          }
        });
  }
}
