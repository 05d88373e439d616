package io.ipsentry.enforcer.kernel;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code nft --numeric --terse list ruleset} shows of one table: its sets and chains as text,
 * with the numbers of counters taken out, so that two can be compared.
 *
 * @param dormant whether the table is switched off
 * @param sets text by name
 * @param chains text by name
 * @param counted by chain, what all its rules have counted
 */
record NftTable(
    boolean dormant,
    Map<String, String> sets,
    Map<String, String> chains,
    Map<String, Counted> counted) {
  /** The table of which nothing is there. */
  static final NftTable EMPTY = new NftTable(false, Map.of(), Map.of(), Map.of());

  private static final Pattern BLOCK = Pattern.compile("\\t(set|chain) (\\S+) \\{.*");

  private static final Pattern COUNTER = Pattern.compile("counter packets (\\d+) bytes (\\d+)");

  /** Packets and bytes. */
  record Counted(long packets, long bytes) {
    static final Counted NOTHING = new Counted(0, 0);

    Counted plus(long morePackets, long moreBytes) {
      return new Counted(packets + morePackets, bytes + moreBytes);
    }
  }

  /** Reads the table of a name out of a listing of all; empty: it is not in it. */
  static Optional<NftTable> parse(String listing, String name) {
    String head = "table inet " + name + " {";
    boolean found = false;
    boolean inside = false;
    boolean dormant = false;
    Map<String, String> sets = new LinkedHashMap<>();
    Map<String, String> chains = new LinkedHashMap<>();
    Map<String, Counted> counted = new LinkedHashMap<>();
    Optional<Matcher> open = Optional.empty();
    StringBuilder block = new StringBuilder();
    for (String line : listing.lines().toList()) {
      if (line.startsWith("table ")) {
        inside = line.startsWith(head);
        found |= inside;
      } else if (inside && open.isPresent() && line.equals("\t}")) {
        boolean set = open.get().group(1).equals("set");
        (set ? sets : chains).put(open.get().group(2), block.toString());
        open = Optional.empty();
      } else if (inside && open.isPresent()) {
        Matcher counter = COUNTER.matcher(line);
        if (counter.find()) {
          long packets = Long.parseLong(counter.group(1));
          long bytes = Long.parseLong(counter.group(2));
          String chain = open.get().group(2);
          counted.put(chain, counted.getOrDefault(chain, Counted.NOTHING).plus(packets, bytes));
        }
        block.append(counter.replaceAll("counter").strip()).append('\n');
      } else if (inside) {
        Matcher matcher = BLOCK.matcher(line);
        if (matcher.matches()) {
          open = Optional.of(matcher);
          block.setLength(0);
        }
        dormant |= line.strip().equals("flags dormant");
      }
    }
    return found ? Optional.of(new NftTable(dormant, sets, chains, counted)) : Optional.empty();
  }
}
