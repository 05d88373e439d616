package io.ipsentry.fail2ban;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;

/** The forms of time stamps that are looked for where a filter has no pattern of its own. */
final class UsualDates {
  /** Where one form may have one of several characters between its parts, it is there for each. */
  private static final List<String> FORMS = forms();

  private UsualDates() {}

  private static List<String> forms() {
    List<String> forms = new ArrayList<>();
    // 2026-11-21T07:00:00.123+01:00, 2026/11/21 07:00:00
    for (String divider : List.of("-", "/", "\\.")) {
      forms.add("%ExY" + divider + "%m" + divider + "%d(?:T|  ?)%H:%M:%S(?:[.,]%f)?(?:\\s*%z)?");
    }
    // Sat Nov 21 07:00:00.123 2026, Nov 21 07:00:00
    forms.add("(?:%a )?%b %d %k:%M:%S(?:\\.%f)?(?: %ExY)?");
    // Sat Nov 21 2026 07:00:00.123
    forms.add("(?:%a )?%b %d %ExY %k:%M:%S(?:\\.%f)?");
    // 21/11/2026 07:00:00, 21-11-26 07:00:00
    for (String divider : List.of("-", "/")) {
      forms.add("%d" + divider + "%m" + divider + "(?:%ExY|%Exy) %k:%M:%S");
    }
    // 21/Nov/2026:07:00:00 +0100
    for (String divider : List.of("-", "/")) {
      forms.add("%d" + divider + "%b" + divider + "%ExY[ :]?%H:%M:%S(?:\\.%f)?(?: %z)?");
    }
    // 11/21/2026:07:00:00
    forms.add("%m/%d/%ExY:%H:%M:%S");
    // 11-21-2026 07:00:00.123
    forms.add("%m-%d-%ExY %k:%M:%S(?:\\.%f)?");
    forms.add("EPOCH");
    forms.add("{^LN-BEG}%H:%M:%S");
    // <11/21/26@07:00:00>
    forms.add("^<%m/%d/%Exy@%H:%M:%S>");
    // 261121  7:00:00
    forms.add("%Exy%Exm%Exd  ?%H:%M:%S");
    // Nov 21, 2026 7:00:00 AM
    forms.add("%b %d, %ExY %I:%M:%S %p");
    // Nov-21-26 07:00:00
    forms.add("^%b-%d-%Exy %k:%M:%S");
    // 20261121T070000
    forms.add("%ExY%Exm%Exd(?:T|  ?)%ExH%ExM%ExS(?:[.,]%f)?(?:\\s*%z)?");
    // CET Nov 21 07:00:00, +01:00 Nov 21 07:00:00
    for (String zone : List.of("%Z", "%z")) {
      forms.add("(?:" + zone + " )?(?:%a )?%b %d %k:%M:%S(?:\\.%f)?(?: %ExY)?");
    }
    forms.add("TAI64N");
    return List.copyOf(forms);
  }

  /** Each form, first those at the begin of the line, then those anywhere. */
  static List<String> all() {
    List<String> all = new ArrayList<>(atLineBegin());
    all.addAll(FORMS);
    return all;
  }

  /** Each form at the begin of the line. */
  static List<String> atLineBegin() {
    return FORMS.stream()
        .filter(form -> !form.startsWith("^") && !form.startsWith("{^LN-BEG}"))
        .map(form -> "{^LN-BEG}" + form)
        .toList();
  }

  /** Each form in the place of {@code {DATE}} in a pattern. */
  static List<String> within(String pattern) {
    List<String> within = new ArrayList<>();
    for (String form : FORMS) {
      String inner = DatePattern.unbound(form);
      String word =
          switch (inner) {
            case "EPOCH" -> "{EPOCH}";
            case "TAI64N" -> "@[0-9a-f]{24}";
            default -> inner;
          };
      within.add(pattern.replaceAll("(?i)(?<!\\\\)\\{DATE\\}", Matcher.quoteReplacement(word)));
    }
    return within;
  }
}
