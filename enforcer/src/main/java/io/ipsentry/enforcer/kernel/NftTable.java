package io.ipsentry.enforcer.kernel;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code nft --numeric --terse list table} shows of a table: its sets and chains as text, with
 * the numbers of counters taken out, so that two can be compared.
 *
 * @param dormant whether the table is switched off
 * @param sets text by name
 * @param chains text by name
 */
record NftTable(boolean dormant, Map<String, String> sets, Map<String, String> chains) {
  private static final Pattern BLOCK = Pattern.compile("^\\t(set|chain) (\\S+) \\{.*");

  private static final Pattern COUNTER = Pattern.compile("counter packets (\\d+) bytes (\\d+)");

  /** Reads a listing. */
  static NftTable parse(String listing) {
    NftTable table = new NftTable(false, new LinkedHashMap<>(), new LinkedHashMap<>());
    boolean dormant = false;
    StringBuilder block = new StringBuilder();
    Optional<Matcher> head = Optional.empty();
    for (String line : listing.lines().toList()) {
      if (line.equals("\t}") && head.isPresent()) {
        Matcher named = head.get();
        (named.group(1).equals("set") ? table.sets : table.chains)
            .put(named.group(2), block.toString());
        head = Optional.empty();
      } else if (head.isPresent()) {
        block.append(COUNTER.matcher(line.strip()).replaceAll("counter")).append('\n');
      } else {
        Matcher matcher = BLOCK.matcher(line);
        if (matcher.matches()) {
          head = Optional.of(matcher);
          block.setLength(0);
        } else if (line.strip().equals("flags dormant")) {
          dormant = true;
        }
      }
    }
    return new NftTable(dormant, table.sets, table.chains);
  }

  /** Sums up the counters in a listing: packets, bytes. */
  static long[] counted(String listing) {
    long[] sum = new long[2];
    Matcher matcher = COUNTER.matcher(listing);
    while (matcher.find()) {
      sum[0] += Long.parseLong(matcher.group(1));
      sum[1] += Long.parseLong(matcher.group(2));
    }
    return sum;
  }
}
