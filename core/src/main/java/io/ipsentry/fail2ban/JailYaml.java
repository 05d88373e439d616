package io.ipsentry.fail2ban;

import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.rule.BanTerms;
import io.ipsentry.rule.Escalation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Writes jails as configuration of ours that needs no fail2ban any more: a source with the filter
 * and a rule for each, everything filled in. What has no equivalent is told in notes.
 */
public final class JailYaml {
  /** Actions that ban in the kernel or by a firewall of the host, by the begin of their names. */
  private static final List<String> FIREWALLS =
      List.of(
          "iptables",
          "nftables",
          "firewallcmd",
          "ufw",
          "shorewall",
          "ipfw",
          "bsd-ipfw",
          "ipfilter",
          "pf",
          "npf",
          "apf",
          "route",
          "hostsdeny",
          "osx");

  private static final List<String> MAIL = List.of("mail", "sendmail", "complain", "mynetwatchman");

  private final StringBuilder sources = new StringBuilder();
  private final StringBuilder rules = new StringBuilder();
  private final List<Jail.Note> notes = new ArrayList<>();
  private boolean enforces;

  /** Adds a jail. */
  public void add(Jail jail) {
    source(jail);
    rule(jail);
    for (Jail.Note note : jail.notes()) {
      notes.add(new Jail.Note(note.place(), "jail " + jail.name() + ": " + note.text()));
    }
    jail.actions().forEach(action -> action(jail, action));
  }

  /** Notes on all that was added, in its order. */
  public List<Jail.Note> notes() {
    return List.copyOf(notes);
  }

  /** The document. */
  public String text() {
    return "sources:\n"
        + sources
        + "rules:\n"
        + rules
        + (enforces
            ? "# Bans in the kernel of this host, for all inbound ports.\nenforcer: {}\n"
            : "");
  }

  private void source(Jail jail) {
    sources.append("  - name: ").append(quoted(jail.name())).append('\n');
    if (jail.logs().isEmpty()) {
      sources.append("    journald:");
      if (jail.journal().isEmpty()) {
        sources.append(" {}\n");
      } else {
        sources.append('\n');
        String matches = String.join(" ", jail.journal().stream().map(JailYaml::word).toList());
        list("      ", "matches", List.of(matches));
      }
    } else {
      list("    ", "file", jail.logs());
    }
    jail.logTimezone()
        .ifPresent(
            zone -> sources.append("    timeZone: ").append(quoted(zone.getId())).append('\n'));
    sources.append("    filter:\n");
    Filter filter = jail.filter();
    filter
        .prefregex()
        .ifPresent(regex -> sources.append("      prefregex: ").append(quoted(regex)).append('\n'));
    list("      ", "failregex", filter.failregex());
    list("      ", "ignoreregex", filter.ignoreregex());
    if (filter.maxlines() > 1) {
      sources.append("      maxlines: ").append(filter.maxlines()).append('\n');
    }
    list("      ", "datepattern", filter.datepattern());
    if (!filter.names()) {
      sources.append("      usedns: 'no'\n");
    }
    list("      ", "ignoreip", ignoreip(jail));
  }

  /** A word of {@code journalctl} as a shell would be given it. */
  private static String word(String word) {
    return word.matches("[A-Za-z0-9_=+./@:-]+") ? word : "\"" + word.replace("\"", "") + "\"";
  }

  private List<String> ignoreip(Jail jail) {
    List<String> addresses = new ArrayList<>();
    for (String text : jail.ignoreip()) {
      if (text.startsWith("file:")) {
        addresses.add(text);
        continue;
      }
      try {
        addresses.add(IpPrefix.parse(text).toString());
      } catch (InvalidAddressException e) {
        notes.add(
            new Jail.Note(
                jail.ignoreipPlace(),
                "jail "
                    + jail.name()
                    + ": ignoreip "
                    + text
                    + " is left out, because names are not looked up; add its addresses to"
                    + " ignoreip of the filter"));
      }
    }
    return addresses;
  }

  private void rule(Jail jail) {
    rules.append("  - name: ").append(quoted(jail.name())).append('\n');
    rules
        .append("    match: { failures: true, sources: [")
        .append(quoted(jail.name()))
        .append("] }\n");
    rules.append("    threshold: ").append(jail.maxretry()).append('\n');
    rules.append("    window: ").append(length(jail.findtime())).append('\n');
    BanTerms ban = jail.ban();
    Duration first = ban.length();
    Escalation escalation = ban.escalation();
    String length = first == null ? "permanent" : length(first);
    if (escalation == null) {
      rules.append("    ban: ").append(length).append('\n');
      return;
    }
    rules.append("    ban:\n      for: ").append(length).append("\n      escalate:\n");
    rules.append("        factor: ").append(number(escalation.factor())).append('\n');
    if (!escalation.multipliers().isEmpty()) {
      rules
          .append("        multipliers: ")
          .append(escalation.multipliers().stream().map(JailYaml::number).toList())
          .append('\n');
    }
    Duration max = escalation.max();
    if (max != null) {
      rules.append("        max: ").append(length(max)).append('\n');
    }
    if (!escalation.jitter().isZero()) {
      rules.append("        jitter: ").append(length(escalation.jitter())).append('\n');
    }
    rules.append("        forget: ").append(length(escalation.forget())).append('\n');
  }

  private void action(Jail jail, Jail.Action action) {
    String name = action.name();
    String lower = name.toLowerCase(Locale.ROOT);
    String text;
    if (FIREWALLS.stream().anyMatch(lower::startsWith)) {
      enforces = true;
      text = "is done by enforcer:, for all inbound ports; enforcer.ports narrows them";
    } else if (lower.startsWith("cloudflare")) {
      text = "has its like in sinks: - cloudflare: with your token and account or zone";
    } else if (lower.contains("telegram")) {
      text = "has its like in sinks: - telegram: with your token and chat";
    } else if (MAIL.stream().anyMatch(lower::startsWith)) {
      text = "has no equivalent: no mail is sent; sinks: can tell a chat or a webhook of bans";
    } else {
      text = "has no equivalent; a webhook in sinks: is told of every ban";
    }
    notes.add(
        new Jail.Note(action.place(), "jail " + jail.name() + ": action " + name + " " + text));
  }

  private void list(String indent, String key, List<String> values) {
    if (values.isEmpty()) {
      return;
    }
    sources.append(indent).append(key).append(":\n");
    for (String value : values) {
      sources.append(indent).append("  - ").append(quoted(value)).append('\n');
    }
  }

  /** Whole seconds, rounded up, in the largest unit that fits. */
  private static String length(Duration duration) {
    long seconds = Math.max(1, (duration.toMillis() + 999) / 1_000);
    if (seconds % 86_400 == 0) {
      return seconds / 86_400 + "d";
    }
    if (seconds % 3_600 == 0) {
      return seconds / 3_600 + "h";
    }
    return seconds % 60 == 0 ? seconds / 60 + "m" : seconds + "s";
  }

  private static String number(double number) {
    String text = String.format(Locale.ROOT, "%.6f", number);
    return text.replaceAll("0+$", "").replaceAll("\\.$", "");
  }

  /** A text between quotes, in which YAML changes nothing. */
  private static String quoted(String text) {
    boolean plain = text.chars().allMatch(c -> c >= 0x20 && c != 0x7f && c < 0x80 || c > 0xa0);
    if (plain) {
      return "'" + text.replace("'", "''") + "'";
    }
    StringBuilder escaped = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        escaped.append('\\').append(c);
      } else if (c < 0x20 || c >= 0x7f && c <= 0xa0) {
        escaped.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        escaped.append(c);
      }
    }
    return escaped.append('"').toString();
  }
}
