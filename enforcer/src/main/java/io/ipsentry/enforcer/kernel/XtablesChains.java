package io.ipsentry.enforcer.kernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The chains of one instance in one iptables-legacy table of one family, and the jumps to the first
 * of them. Nothing else in the table is ever written.
 *
 * <p>The jump is the first rule of its hook; only jumps to chains of other instances may be before
 * it. Changes are committed as a whole by {@code iptables-legacy-restore --noflush}, which waits
 * for the xtables lock. One thread at a time.
 */
final class XtablesChains {
  /** Below {@link PacketFilter#TIMEOUT}, so that it is the program that says what it waited for. */
  private static final String LOCK_WAIT_SECONDS = "45";

  private static final String ANOTHER_INSTANCE = "-j " + InstanceNames.CHAIN_PREFIX;

  private final KernelPrograms programs;
  private final Family family;
  private final String table;
  private final Set<String> names;
  private final String entry;
  private final String jump;

  /**
   * How the kernel shows chains that were written here: versions of iptables print the same rule
   * differently, and what was just written must not look changed for ever.
   */
  private final Map<String, Written> written = new HashMap<>();

  /**
   * @param names every chain the instance may have in the table; the first is jumped to
   */
  XtablesChains(KernelPrograms programs, Family family, String table, List<String> names) {
    this.programs = programs;
    this.family = family;
    this.table = table;
    this.names = new LinkedHashSet<>(names);
    entry = names.getFirst();
    jump = "-j " + entry;
  }

  /** Rules as they were asked for, and as iptables shows them. */
  private record Written(List<String> asked, List<String> shown) {}

  /**
   * A rule with what it has counted.
   *
   * @param text what follows {@code -A CHAIN }
   */
  record Rule(long packets, long bytes, String text) {
    static Rule of(String text) {
      return new Rule(0, 0, text);
    }

    boolean refuses() {
      return text.startsWith("-j DROP")
          || text.startsWith("-j REJECT")
          || text.contains(" -j DROP")
          || text.contains(" -j REJECT");
    }
  }

  /**
   * What is in the table.
   *
   * @param chains ours, in the order of the table, each with its rules
   * @param hooks by chain of others that jumps to ours or may have to: its first rules, up to the
   *     first that is no jump to an instance's chain
   * @param jumps by chain of others: how many rules are just a jump to ours
   * @param foreign names of all other chains
   */
  record State(
      Map<String, List<Rule>> chains,
      Map<String, List<String>> hooks,
      Map<String, Integer> jumps,
      Set<String> foreign) {
    boolean isEmpty() {
      return chains.isEmpty() && jumps.isEmpty();
    }

    List<String> texts(String chain) {
      return chains.getOrDefault(chain, List.of()).stream().map(Rule::text).toList();
    }
  }

  /** Reads the table. */
  State read() {
    State state =
        new State(
            new LinkedHashMap<>(), new HashMap<>(), new LinkedHashMap<>(), new LinkedHashSet<>());
    programs.read(
        List.of(family.iptables() + "-save", "-c", "-t", table),
        answer -> {
          Reader text = new InputStreamReader(answer, StandardCharsets.UTF_8);
          BufferedReader lines = new BufferedReader(text, 1 << 16);
          for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            take(line, state);
          }
        });
    return state;
  }

  /** One line: {@code :CHAIN …} or {@code [packets:bytes] -A CHAIN rule}. */
  private void take(String line, State state) throws IOException {
    if (line.startsWith(":")) {
      String chain = line.substring(1, Math.max(1, line.indexOf(' ')));
      if (names.contains(chain)) {
        state.chains().put(chain, new ArrayList<>());
      } else {
        state.foreign().add(chain);
      }
      return;
    }
    int colon = line.indexOf(':');
    int bracket = line.indexOf("] -A ");
    if (!line.startsWith("[") || colon < 0 || bracket < colon) {
      return;
    }
    int space = line.indexOf(' ', bracket + 5);
    String chain = line.substring(bracket + 5, space < 0 ? line.length() : space);
    String rule = space < 0 ? "" : line.substring(space + 1);
    List<Rule> own = state.chains().get(chain);
    if (own != null) {
      try {
        long packets = Long.parseLong(line, 1, colon, 10);
        own.add(new Rule(packets, Long.parseLong(line, colon + 1, bracket, 10), rule));
      } catch (NumberFormatException e) {
        throw new IOException("not a line of iptables-save: " + line, e);
      }
      return;
    }
    if (rule.equals(jump)) {
      state.jumps().merge(chain, 1, Integer::sum);
    }
    List<String> first = state.hooks().computeIfAbsent(chain, any -> new ArrayList<>());
    if (first.isEmpty() || first.getLast().startsWith(ANOTHER_INSTANCE)) {
      first.add(rule);
    }
  }

  /**
   * Makes these chains, and no other of ours, with these rules, and the jumps to the first.
   *
   * @param wanted rules by chain; all of its chains are among the names
   * @param hooks chains that jump to the entry
   * @return what was made or mended, for people
   */
  List<String> ensure(State state, Map<String, List<String>> wanted, Set<String> hooks) {
    Map<String, List<Rule>> rewritten = new LinkedHashMap<>();
    List<String> mended = new ArrayList<>();
    wanted.forEach((chain, rules) -> {
      List<String> there = state.texts(chain);
      boolean missing = !state.chains().containsKey(chain);
      if (missing
          || !(there.equals(rules) || new Written(rules, there).equals(written.get(chain)))) {
        rewritten.put(chain, rules.stream().map(Rule::of).toList());
        mended.add(place("chain " + chain) + (missing ? " was missing" : " was not as made"));
      }
    });
    for (String hook : hooks) {
      if (!isFirst(state, hook)) {
        mended.add(
            place("the jump from " + hook)
                + (state.jumps().containsKey(hook)
                    ? " was not the only one and first"
                    : " was missing"));
      }
    }
    state.jumps().keySet().stream()
        .filter(chain -> !hooks.contains(chain))
        .forEach(chain -> mended.add(place("a jump from " + chain) + " was not asked for"));
    Set<String> gone = new LinkedHashSet<>(state.chains().keySet());
    gone.removeAll(wanted.keySet());
    gone.forEach(chain -> mended.add(place("chain " + chain) + " was not asked for"));
    if (mended.isEmpty()) {
      return mended;
    }
    write(state, rewritten, hooks, gone);
    State now = read();
    wanted.forEach((chain, rules) -> written.put(chain, new Written(rules, now.texts(chain))));
    return mended;
  }

  /** Puts rules, with their counters, in the place of those of a chain that is there. */
  void rewrite(String chain, List<Rule> rules) {
    programs.feed(
        restore(),
        out -> {
          out.text("*").text(table).text("\n:").text(chain).text(" - [0:0]\n");
          append(out, chain, rules);
          out.text("COMMIT\n");
        });
  }

  /** Removes all chains of ours and the jumps to them. */
  void remove() {
    State state = read();
    if (!state.isEmpty()) {
      write(state, Map.of(), Set.of(), state.chains().keySet());
    }
    written.clear();
  }

  private void write(
      State state, Map<String, List<Rule>> rewritten, Set<String> hooks, Set<String> gone) {
    programs.feed(
        restore(),
        out -> {
          out.text("*").text(table).text("\n");
          for (String chain : rewritten.keySet()) {
            out.text(":").text(chain).text(" - [0:0]\n");
          }
          for (String chain : gone) {
            out.text(":").text(chain).text(" - [0:0]\n");
          }
          for (Map.Entry<String, List<Rule>> chain : rewritten.entrySet()) {
            append(out, chain.getKey(), chain.getValue());
          }
          for (Map.Entry<String, Integer> chain : state.jumps().entrySet()) {
            if (!hooks.contains(chain.getKey()) || !isFirst(state, chain.getKey())) {
              for (int i = 0; i < chain.getValue(); i++) {
                out.text("-D ").text(chain.getKey()).text(" ").text(jump).text("\n");
              }
            }
          }
          for (String hook : hooks) {
            if (!isFirst(state, hook)) {
              out.text("-I ").text(hook).text(" 1 ").text(jump).text("\n");
            }
          }
          for (String chain : gone) {
            out.text("-X ").text(chain).text("\n");
          }
          out.text("COMMIT\n");
        });
  }

  private boolean isFirst(State state, String hook) {
    return state.jumps().getOrDefault(hook, 0) == 1
        && state.hooks().getOrDefault(hook, List.of()).contains(jump);
  }

  private static void append(AsciiOutput out, String chain, List<Rule> rules) throws IOException {
    for (Rule rule : rules) {
      out.text("[").number(rule.packets()).text(":").number(rule.bytes()).text("] -A ");
      out.text(chain).text(" ").text(rule.text()).text("\n");
    }
  }

  private List<String> restore() {
    return List.of(
        family.iptables() + "-restore", "--noflush", "--counters", "-w", LOCK_WAIT_SECONDS);
  }

  private String place(String what) {
    return what + " in " + table + " (" + family.label() + ")";
  }
}
