package io.ipsentry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.ban.ActiveBans.Allowance;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.banlog.DisallowOutcome;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.banlog.Refusal;
import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;

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
final class DisallowCommand extends EndingCommand<DisallowOutcome> {
  DisallowCommand(Shell shell) {
    super(shell);
  }

  @Override
  DisallowOutcome end(BanOperations operations, IpPrefix ip, String reason) {
    return operations.disallow(ip, reason, shell.author());
  }

  @Override
  boolean hasEnded(DisallowOutcome outcome) {
    return !(outcome instanceof DisallowOutcome.NotAllowed);
  }

  @Override
  void tell(IpPrefix ip, DisallowOutcome outcome) {
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

  @Override
  void write(JsonGenerator json, IpPrefix ip, DisallowOutcome outcome) throws IOException {
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
  }
}
