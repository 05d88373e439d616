package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import io.ipsentry.net.IpPrefix;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Bans in a table of nftables of our own; how it is laid out, says {@link NftLayout}.
 *
 * <p>Kernels before 6.12 keep the end of an element that is added again, and nft 1.0.6 cannot
 * delete what may not be there. There a change is three in one transaction: added, so that it is
 * there; deleted; added with its end. What is in force changes at once and only when all is done.
 *
 * <p>Versions of nft show the same rule differently. So what is there is compared with what nft
 * shows of the same rules in a dormant table, which looks at no packet.
 *
 * <p>See nft(8). Threads as {@link PacketFilter} says.
 */
final class NftablesFilter implements PacketFilter {
  /** Changes in one transaction: nft needs about 430 bytes for each, three times on old kernels. */
  private static final int PIECE = 20_000;

  /** The kernel lists a set in time that grows with the square of its size. */
  static final int MAX_ELEMENTS = 2_000_000;

  /** What is put for ever gets an end so far away that any as far is read as never. */
  private static final long FAR_DAYS = 36_500;

  private static final long MILLIS_OF_DAY = 86_400_000;

  private static final long LONGEST_MILLIS = Duration.ofDays(18_250).toMillis();

  private static final List<String> LIST =
      List.of("nft", "--numeric", "--terse", "list", "ruleset", "inet");

  private static final List<String> FEED = List.of("nft", "-f", "-");

  private static final Pattern SET_WITH_LENGTH = Pattern.compile("v([46])-(\\d+)");

  private final KernelPrograms programs;
  private final EnforcerConfig config;
  private final InstantSource clock;
  private final boolean mayReplace;
  private final String table;
  private final NftSets reader;
  private final ReadyProgram changer;

  /** Lengths of prefixes that have a set, which stays when it has become empty. */
  private final Map<Family, NavigableSet<Integer>> lengths =
      new EnumMap<>(
          Map.of(
              Family.V4,
              new ConcurrentSkipListSet<>(),
              Family.V6,
              new ConcurrentSkipListSet<>(List.of(64, 128))));

  /** How nft shows the layout that was last asked for. */
  private @Nullable NftLayout shownLayout;

  private @Nullable NftTable shown;

  private boolean replacesEnds;

  NftablesFilter(KernelPrograms programs, EnforcerConfig config, InstantSource clock) {
    this(programs, config, clock, true);
  }

  /**
   * @param mayReplace whether a kernel that gives an element its new end when it is added again is
   *     relied on; else it is treated as an old one
   */
  NftablesFilter(
      KernelPrograms programs, EnforcerConfig config, InstantSource clock, boolean mayReplace) {
    this.mayReplace = mayReplace;
    this.programs = programs;
    this.config = config;
    this.clock = clock;
    table = new InstanceNames(config.name()).table();
    reader = new NftSets(programs, table, clock, LONGEST_MILLIS);
    changer = new ReadyProgram(programs, FEED);
  }

  @Override
  public String name() {
    return EnforcerConfig.Backend.NFTABLES.wireName();
  }

  /**
   * Fails if the program or the kernel cannot do this.
   *
   * @throws PacketFilterException with what is in the way
   */
  void probe() {
    programs.text(LIST);
  }

  @Override
  public List<String> ensure(int elements) {
    if (elements > MAX_ELEMENTS) {
      throw new PacketFilterException(
          Cause.TOO_MANY,
          "nftables holds at most "
              + MAX_ELEMENTS
              + " prefixes, not "
              + elements
              + ": the kernel needs too long to list more; use the backend ipset");
    }
    Optional<NftTable> there = list();
    there.ifPresent(present -> present.sets().keySet().forEach(this::learnLength));
    return arrange(there);
  }

  private void learnLength(String set) {
    Matcher matcher = SET_WITH_LENGTH.matcher(set);
    if (matcher.matches()) {
      Family family = matcher.group(1).equals("4") ? Family.V4 : Family.V6;
      int bits = Integer.parseInt(matcher.group(2));
      if (bits >= 1 && bits <= (family == Family.V4 ? 31 : 128)) {
        lengths(family).add(bits);
      }
    }
  }

  private NavigableSet<Integer> lengths(Family family) {
    return Objects.requireNonNull(lengths.get(family));
  }

  /** Makes what is there to be what is wanted, in one transaction. */
  private List<String> arrange(Optional<NftTable> there) {
    NftLayout wanted = NftLayout.of(config, lengths, LocalPorts.ephemeral(programs));
    NftTable expected = show(wanted);
    List<String> mended = new ArrayList<>();
    List<String> script = new ArrayList<>();
    script.add("add table inet " + table);
    NftTable present = there.orElse(NftTable.EMPTY);
    if (there.isEmpty()) {
      mended.add("the table " + table + " was missing");
    } else if (present.dormant()) {
      mended.add("the table " + table + " was dormant");
    }
    for (String set : wanted.sets().keySet()) {
      String text = present.sets().get(set);
      if (text != null && !text.equals(expected.sets().get(set))) {
        // Rules refer to it, so it cannot be replaced alone. The elements come with the next sync.
        mended.add(
            "the set " + set + " of table " + table + " was of another make; all is made anew");
        script.add("delete table inet " + table);
        script.add("add table inet " + table);
        present = NftTable.EMPTY;
        break;
      }
    }
    arrangeChains(present, wanted, expected, script, there.isEmpty() ? new ArrayList<>() : mended);
    if (!mended.isEmpty()) {
      feed(script);
    }
    return mended;
  }

  private void arrangeChains(
      NftTable present,
      NftLayout wanted,
      NftTable expected,
      List<String> script,
      List<String> mended) {
    wanted
        .sets()
        .forEach((set, type) -> {
          if (!present.sets().containsKey(set)) {
            mended.add("the set " + set + " of table " + table + " was missing");
            script.add(addSet(table, set, type));
          }
        });
    List<String> rules = new ArrayList<>();
    List<String> deletions = new ArrayList<>();
    wanted
        .chains()
        .forEach((name, chain) -> {
          String text = present.chains().get(name);
          if (Objects.equals(text, expected.chains().get(name))) {
            return;
          }
          mended.add(
              "the chain "
                  + name
                  + " of table "
                  + table
                  + (text == null ? " was missing" : " was not as made"));
          if (text != null) {
            script.add("flush chain inet " + table + " " + name);
            if (!chain.hook().isEmpty()) {
              script.add("delete chain inet " + table + " " + name);
            }
          }
          script.add(addChain(table, name, chain));
          chain.rules().forEach(rule -> rules.add(addRule(table, name, rule)));
        });
    for (String name : present.chains().keySet()) {
      if (!wanted.chains().containsKey(name)) {
        mended.add("the chain " + name + " of table " + table + " was not asked for");
        script.add("flush chain inet " + table + " " + name);
        deletions.add("delete chain inet " + table + " " + name);
      }
    }
    script.addAll(rules);
    script.addAll(deletions);
  }

  /** How nft shows a layout. */
  private NftTable show(NftLayout layout) {
    NftTable known = shown;
    if (known != null && layout.equals(shownLayout)) {
      return known;
    }
    String scratch = table + ".new";
    List<String> script = new ArrayList<>();
    script.add("add table inet " + scratch);
    script.add("delete table inet " + scratch);
    script.add("add table inet " + scratch + " { flags dormant; }");
    layout.sets().forEach((set, type) -> script.add(addSet(scratch, set, type)));
    layout.chains().forEach((name, chain) -> script.add(addChain(scratch, name, chain)));
    layout
        .chains()
        .forEach((name, chain) ->
            chain.rules().forEach(rule -> script.add(addRule(scratch, name, rule))));
    feed(script);
    NftTable made =
        list(scratch)
            .orElseThrow(
                () -> new PacketFilterException(Cause.OTHER, "the table " + scratch + " is gone"));
    replacesEnds = mayReplace && replacesEnds(scratch);
    feed(List.of("delete table inet " + scratch));
    shownLayout = layout;
    shown = made;
    return made;
  }

  /** Whether this kernel gives an element that is added again its new end (since Linux 6.12). */
  private boolean replacesEnds(String scratch) {
    String element = "add element inet " + scratch + " ends { 192.0.2.1 timeout ";
    feed(List.of(addSet(scratch, "ends", "ipv4_addr"), element + "1h }"));
    feed(List.of(element + "100h }"));
    return programs
        .text(List.of("nft", "list", "set", "inet", scratch, "ends"))
        .contains("timeout 4d4h");
  }

  private static String addSet(String table, String set, String type) {
    return "add set inet " + table + " " + set + " { type " + type + "; flags timeout; }";
  }

  private static String addChain(String table, String name, NftLayout.Chain chain) {
    String body = chain.hook().isEmpty() ? "" : " { " + chain.hook() + " }";
    return "add chain inet " + table + " " + name + body;
  }

  private static String addRule(String table, String chain, String rule) {
    return "add rule inet " + table + " " + chain + " " + rule;
  }

  @Override
  public long maxTimeoutMillis() {
    return LONGEST_MILLIS;
  }

  @Override
  public void apply(Changes changes) {
    Pieces pieces = new Pieces();
    try {
      changes.forEach(pieces);
      pieces.write();
    } finally {
      pieces.await();
    }
  }

  @Override
  public void makeReady() {
    changer.start();
  }

  @Override
  public void relax() {
    changer.end();
  }

  /**
   * Gathers changes and writes them in pieces, the next while nft works on the one before. In a
   * piece only the last change of a prefix counts, so that they can be sorted by set.
   */
  private final class Pieces implements ChangeVisitor {
    private final Map<String, Map<IpPrefix, Long>> bySet = new HashMap<>();
    private int count;
    private boolean newLengths;
    private CompletableFuture<Void> written = CompletableFuture.completedFuture(null);

    @Override
    public void put(IpPrefix prefix, long untilMillis) {
      Elements.requireNotEverybody(prefix);
      if (!isAddressOfV4(prefix)) {
        newLengths |= lengths(Family.of(prefix)).add(prefix.bits());
      }
      change(prefix, untilMillis);
    }

    @Override
    public void remove(IpPrefix prefix) {
      Elements.requireNotEverybody(prefix);
      if (isAddressOfV4(prefix) || lengths(Family.of(prefix)).contains(prefix.bits())) {
        change(prefix, 0);
      }
    }

    private void change(IpPrefix prefix, long untilMillis) {
      Map<IpPrefix, Long> ends =
          bySet.computeIfAbsent(NftLayout.set(prefix), any -> new LinkedHashMap<>());
      if (ends.put(prefix, untilMillis) == null && ++count == PIECE) {
        write();
      }
    }

    void write() {
      if (count == 0) {
        return;
      }
      byte[] script = script();
      await();
      if (newLengths) {
        arrange(list());
      }
      written =
          CompletableFuture.runAsync(
              () -> changer.feed(out -> out.bytes(script)), Thread::startVirtualThread);
      bySet.clear();
      count = 0;
      newLengths = false;
    }

    private byte[] script() {
      long now = clock.millis();
      ByteArrayOutputStream script = new ByteArrayOutputStream();
      AsciiOutput out = new AsciiOutput(script);
      try {
        for (Map.Entry<String, Map<IpPrefix, Long>> set : bySet.entrySet()) {
          writeSet(out, set.getKey(), set.getValue(), now);
        }
        out.flush();
      } catch (IOException e) {
        throw new UncheckedIOException("memory does not refuse", e);
      }
      return script.toByteArray();
    }

    /** Until what was written is in the kernel, or is not. */
    void await() {
      try {
        written.join();
      } catch (CompletionException e) {
        throw e.getCause() instanceof PacketFilterException failure ? failure : e;
      } finally {
        written = CompletableFuture.completedFuture(null);
      }
    }

    private static boolean isAddressOfV4(IpPrefix prefix) {
      return prefix.isV4() && prefix.isAddress();
    }
  }

  private void writeSet(AsciiOutput out, String set, Map<IpPrefix, Long> ends, long now)
      throws IOException {
    List<IpPrefix> replaced =
        ends.entrySet().stream()
            .filter(end -> !replacesEnds || end.getValue() <= now)
            .map(Map.Entry::getKey)
            .toList();
    for (String command : replaced.isEmpty() ? List.<String>of() : List.of("add", "delete")) {
      out.text(command).text(" element inet ").text(table).text(" ").text(set).text(" { ");
      for (IpPrefix prefix : replaced) {
        first(out, prefix).text(",");
      }
      out.text(" }\n");
    }
    boolean begun = false;
    for (Map.Entry<IpPrefix, Long> end : ends.entrySet()) {
      if (end.getValue() <= now) {
        continue;
      }
      if (!begun) {
        out.text("add element inet ").text(table).text(" ").text(set).text(" { ");
        begun = true;
      }
      first(out, end.getKey()).text(" timeout ");
      if (end.getValue() == FOR_EVER) {
        out.number(FAR_DAYS).text("d,");
      } else {
        duration(out, Math.min(end.getValue() - now, LONGEST_MILLIS)).text(",");
      }
    }
    if (begun) {
      out.text(" }\n");
    }
  }

  /** nft takes at most eight digits a unit. */
  private static AsciiOutput duration(AsciiOutput out, long millis) throws IOException {
    out.number(millis / MILLIS_OF_DAY).text("d").number(millis % MILLIS_OF_DAY / 1_000).text("s");
    return out.number(millis % 1_000).text("ms");
  }

  /** The first address of a prefix: the set knows the length. */
  private static AsciiOutput first(AsciiOutput out, IpPrefix prefix) throws IOException {
    return out.prefix(IpPrefix.address(prefix.hi(), prefix.lo()));
  }

  @Override
  public void read(ElementVisitor visitor) {
    NftTable there = present();
    // Not only what this process made: a set of a process before it may hold elements as well.
    there.sets().keySet().forEach(this::learnLength);
    reader.read(there.sets().keySet(), visitor);
  }

  @Override
  public DropCounters drops() {
    Map<String, NftTable.Counted> counted = present().counted();
    NftTable.Counted v4 =
        counted.getOrDefault(NftLayout.refuse(Family.V4), NftTable.Counted.NOTHING);
    NftTable.Counted v6 =
        counted.getOrDefault(NftLayout.refuse(Family.V6), NftTable.Counted.NOTHING);
    return new DropCounters(v4.packets(), v4.bytes(), v6.packets(), v6.bytes());
  }

  private NftTable present() {
    return list()
        .orElseThrow(() -> new PacketFilterException(Cause.OTHER, "there is no table " + table));
  }

  @Override
  public void flush() {
    feed(List.of("add table inet " + table, "delete table inet " + table));
  }

  /** Whether the table of the instance is there. */
  boolean isThere() {
    return list().isPresent();
  }

  private Optional<NftTable> list() {
    return list(table);
  }

  /** Only a terse listing of all reads no elements; one of a table reads those of all sets. */
  private Optional<NftTable> list(String name) {
    return NftTable.parse(programs.text(LIST), name);
  }

  private void feed(List<String> script) {
    programs.feed(
        FEED,
        out -> {
          for (String line : script) {
            out.text(line).text("\n");
          }
        });
  }
}
