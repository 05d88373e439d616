package io.ipsentry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.UnbanOutcome;
import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;

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
final class UnbanCommand extends EndingCommand<UnbanOutcome> {
  UnbanCommand(Shell shell) {
    super(shell);
  }

  @Override
  UnbanOutcome end(BanOperations operations, IpPrefix ip, String reason) {
    return operations.unban(ip, reason, shell.author());
  }

  @Override
  boolean hasEnded(UnbanOutcome outcome) {
    return !(outcome instanceof UnbanOutcome.NotBanned);
  }

  @Override
  void tell(IpPrefix ip, UnbanOutcome outcome) {
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

  @Override
  void write(JsonGenerator json, IpPrefix ip, UnbanOutcome outcome) throws IOException {
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
  }
}
