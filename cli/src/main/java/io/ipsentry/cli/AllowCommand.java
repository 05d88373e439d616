package io.ipsentry.cli;

import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.banlog.AllowOutcome;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.cli.ConnectionOptions.Access;
import io.ipsentry.net.IpPrefix;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code allow}: puts addresses on the allowlist. */
@Command(
    name = "allow",
    header = "Put addresses or prefixes on the allowlist.",
    description = {
      "Allowing beats every ban, whoever made it. A ban that stands stays in the log and in the"
          + " list, but refuses nobody while the address is allowed; the answer names such bans.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry allow 198.51.100.0/24 --reason office",
      "  ip-sentry allow 203.0.113.7 --for 2h --reason 'penetration test'"
    })
final class AllowCommand extends OperatorCommand {
  @Parameters(arity = "1..*", paramLabel = "IP", description = "Address or prefix.")
  private List<IpPrefix> addresses = List.of();

  @Option(
      names = "--for",
      paramLabel = "LENGTH",
      converter = Length.Converter.class,
      defaultValue = "permanent",
      description = "Such as 2h, 7d, or permanent (until disallowed). Default: ${DEFAULT-VALUE}.")
  private Length length = new Length(null);

  @Option(names = "--reason", paramLabel = "TEXT", description = "For the log and the lists.")
  private String reason = "";

  AllowCommand(Shell shell) {
    super(shell);
  }

  @Override
  Access access() {
    return Access.CREATE;
  }

  @Override
  int act(BanOperations operations) {
    for (IpPrefix ip : addresses) {
      AllowOutcome outcome = operations.allow(ip, length.duration(), reason, shell.author());
      if (isJson()) {
        json(outcome);
      } else {
        tell(ip, outcome);
      }
    }
    return ExitCode.DONE;
  }

  private void tell(IpPrefix ip, AllowOutcome outcome) {
    switch (outcome) {
      case AllowOutcome.Allowed(Allowance entry, List<ListedBan> withoutForce) -> {
        say("allowed " + ip + end(entry));
        if (!withoutForce.isEmpty()) {
          say(
              "the ban of "
                  + BanFields.names(withoutForce)
                  + " stays in the log, but has no force where it is allowed");
        }
      }
      case AllowOutcome.AlreadyAllowed(Allowance entry) ->
          say(ip + " is already allowed" + end(entry) + "; nothing changed");
    }
  }

  private static String end(Allowance entry) {
    return entry.allow().until() == null ? "" : " until " + Times.format(entry.allow().until());
  }

  private void json(AllowOutcome outcome) {
    json()
        .object(json -> {
          switch (outcome) {
            case AllowOutcome.Allowed(Allowance entry, List<ListedBan> withoutForce) -> {
              json.writeStringField("result", "allowed");
              BanFields.allowance(json, entry);
              BanFields.prefixes(json, "without_force", withoutForce);
            }
            case AllowOutcome.AlreadyAllowed(Allowance entry) -> {
              json.writeStringField("result", "already_allowed");
              BanFields.allowance(json, entry);
            }
          }
        });
  }
}
