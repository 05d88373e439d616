package io.ipsentry.watcher.sink.cloudflare;

import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The notes by which a rule is known as ours: {@code ip-sentry INSTANCE ban=42}, and whatever a
 * person writes behind.
 *
 * @param instance name of the installation; no blanks
 */
record RuleNotes(String instance) {
  /** What to look for at Cloudflare, which finds it anywhere in the notes, in any case. */
  String search() {
    return "ip-sentry " + instance + " ";
  }

  String of(long ban) {
    return search() + "ban=" + ban;
  }

  /** The ban that notes of ours name; empty: they are not ours. */
  OptionalLong ban(String notes) {
    Matcher ours =
        Pattern.compile("ip-sentry " + Pattern.quote(instance) + " ban=([0-9]{1,18})(?: .*)?")
            .matcher(notes.strip());
    return ours.matches() ? OptionalLong.of(Long.parseLong(ours.group(1))) : OptionalLong.empty();
  }
}
