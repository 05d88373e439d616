package io.ipsentry.cli;

import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.DisallowOutcome;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.Refusal;
import io.ipsentry.net.IpPrefix;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code disallow}: takes addresses off the allowlist. */
@Command(
    name = "disallow",
    header = "Take addresses or prefixes off the allowlist.",
    description = {
      "Bans that had no force because of the entry have force again; the answer names them. Entries"
          + " of the configuration (allow, neverBan) are changed there.",
      ""
    },
    footer = {"", "Example:", "  ip-sentry disallow 198.51.100.0/24"})
final class DisallowCommand extends OperatorCommand {
  @Parameters(
      arity = "1..*",
      paramLabel = "IP",
      description = "Address or prefix, as it was allowed.")
  private List<IpPrefix> addresses = List.of();

  @Option(names = "--reason", paramLabel = "TEXT", description = "For the log.")
  private String reason = "";

  DisallowCommand(Shell shell) {
    super(shell);
  }

  @Override
  int act(BanOperations operations) {
    int exitCode = ExitCode.DONE;
    for (IpPrefix ip : addresses) {
      DisallowOutcome outcome = operations.disallow(ip, reason, shell.author());
      if (isJson()) {
        json(ip, outcome);
      } else {
        tell(ip, outcome);
      }
      if (outcome instanceof DisallowOutcome.NotAllowed) {
        exitCode = ExitCode.NO;
      }
    }
    return exitCode;
  }

  private void tell(IpPrefix ip, DisallowOutcome outcome) {
    switch (outcome) {
      case DisallowOutcome.Disallowed(long seq, List<ListedBan> inForceAgain) ->
          say(
              inForceAgain.isEmpty()
                  ? "disallowed " + ip
                  : "disallowed "
                      + ip
                      + "; the ban of "
                      + BanFields.names(inForceAgain)
                      + " has force again");
      case DisallowOutcome.NotAllowed notAllowed -> refuse(explain(notAllowed));
    }
  }

  private static String explain(DisallowOutcome.NotAllowed notAllowed) {
    List<Allowance> covering = notAllowed.coveredBy();
    Refusal configured = notAllowed.configured();
    String message = notAllowed.ip() + " is not on the allowlist";
    if (!covering.isEmpty()) {
      return message + " itself, but in " + covering.getFirst().allow().ip() + "; disallow that";
    }
    return configured == null
        ? message
        : message
            + ", but never banned all the same: "
            + configured.description()
            + "; see the configuration";
  }

  private void json(IpPrefix ip, DisallowOutcome outcome) {
    json()
        .object(json -> {
          switch (outcome) {
            case DisallowOutcome.Disallowed(long seq, List<ListedBan> inForceAgain) -> {
              json.writeStringField("result", "disallowed");
              json.writeStringField("ip", ip.toString());
              json.writeNumberField("seq", seq);
              BanFields.prefixes(json, "in_force_again", inForceAgain);
            }
            case DisallowOutcome.NotAllowed(
                    IpPrefix asked,
                    List<Allowance> covering,
                    @Nullable Refusal configured) -> {
              json.writeStringField("result", "not_allowed");
              json.writeStringField("ip", asked.toString());
              json.writeArrayFieldStart("covered_by");
              for (Allowance entry : covering) {
                json.writeString(entry.allow().ip().toString());
              }
              json.writeEndArray();
              if (configured != null) {
                json.writeObjectFieldStart("protected_by");
                BanFields.refusal(json, configured);
                json.writeEndObject();
              }
            }
          }
        });
  }
}
