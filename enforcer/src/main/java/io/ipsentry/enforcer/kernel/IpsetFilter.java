package io.ipsentry.enforcer.kernel;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.PortRange;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Bans in two ipsets of the type {@code hash:net}, one a family, and one chain of iptables-legacy
 * that refuses what comes from them. A packet costs one lookup however many bans there are.
 *
 * <p>{@code hash:net} holds prefixes of all lengths but 0, also in one another, each with an end of
 * its own. The kernel lets it grow by itself up to {@code maxelem}, which is fixed when it is made
 * and therefore generous. A set of ours that is of another make is replaced: by {@code ipset swap}
 * where the kernel can, else by letting the rules point at a set that stands in for a while.
 *
 * <p>See ipset(8), iptables-extensions(8). Threads as {@link PacketFilter} says.
 */
final class IpsetFilter implements PacketFilter {
  /** Room of a set. Only elements take memory (about 40 bytes), not room. */
  static final int MAX_ELEMENTS = 1 << 24;

  /** Longest time that ipset keeps an element: the kernel counts in a 32-bit number of ms / 2. */
  private static final long MAX_TIMEOUT_SECONDS = 2_147_483;

  /**
   * After so many changes of a batch it is looked what time it is. What is left of a ban is told in
   * seconds from when the kernel takes it, and a large batch takes many of them on a machine that
   * has much to do; what is written lies in a pipe of 64 KiB at most until then.
   */
  private static final int CHANGES_A_LOOK = 256;

  /** More changes than this are quicker told to a program, which sends many at once. */
  private static final int MAX_DIRECT = 256;

  private static final String TYPE = "hash:net";

  private static final List<String> RESTORE = List.of("ipset", "restore", "-exist");

  private static final String NO_SUCH_SET = "set with the given name does not exist";

  private static final Logger logger = LoggerFactory.getLogger(IpsetFilter.class);

  private static final Pattern HEADER =
      Pattern.compile(
          "Type: (?<type>\\S+)\\s[^$]*?family (?<family>\\S+) .*?maxelem (?<room>\\d+)(?<rest>.*)");

  private static final Pattern TIMEOUTS = Pattern.compile(" timeout 0\\b");

  /** What makes a set another than one that is made here. */
  private static final Pattern EXTRAS = Pattern.compile(" (counters|comment|skbinfo|forceadd)\\b");

  private final KernelPrograms programs;
  private final InstanceNames names;
  private final EnforcerConfig config;
  private final InstantSource clock;
  private final XtablesPlace rules;
  private final ReadyProgram restore;

  /** The room of sets that are as they are made here. */
  private final Map<String, Integer> rooms = new HashMap<>();

  private @Nullable IpsetSocket socket;

  /** There is no netlink for this process; then programs do all. */
  private boolean isWithoutNetlink;

  IpsetFilter(KernelPrograms programs, EnforcerConfig config, InstantSource clock) {
    this.programs = programs;
    this.config = config;
    this.clock = clock;
    names = new InstanceNames(config.name());
    restore = new ReadyProgram(programs, RESTORE);
    rules = new XtablesPlace(programs, config.hook(), List.of(names.chain(), names.refuseChain()));
  }

  /** How a set was made, as {@code ipset list -terse} tells. */
  private enum Make {
    MISSING,
    /** As it is made here. */
    RIGHT,
    /** Of the right type and family, but with too little room or without timeouts. */
    SWAPPABLE,
    /** Of another type or family: swap refuses. */
    ALIEN
  }

  @Override
  public String name() {
    return EnforcerConfig.Backend.IPSET.wireName();
  }

  /**
   * Fails if the programs or the kernel cannot do this.
   *
   * @throws PacketFilterException with what is in the way
   */
  void probe() {
    programs.run(List.of("ipset", "list", "-name"));
    for (Family family : rules.families()) {
      rules.wantedChains(family).read();
    }
  }

  @Override
  public List<String> ensure(int elements) {
    if (elements > MAX_ELEMENTS) {
      throw new PacketFilterException(
          Cause.TOO_MANY,
          "an ipset of ours holds at most " + MAX_ELEMENTS + " prefixes, not " + elements);
    }
    List<String> mended = new ArrayList<>();
    PortRange ephemeral = LocalPorts.ephemeral(programs);
    Set<Family> aliens = EnumSet.noneOf(Family.class);
    for (Family family : Family.values()) {
      switch (make(names.set(family), family, elements)) {
        case RIGHT -> {}
        case MISSING -> createMissing(family, mended);
        case SWAPPABLE -> swap(family, mended);
        case ALIEN -> aliens.add(family);
      }
    }
    if (!aliens.isEmpty()) {
      replace(aliens, ephemeral, mended);
    }
    mended.addAll(rules.ensure(family -> chains(family, names.set(family), ephemeral)));
    for (Family family : Family.values()) {
      if (exists(names.spareSet(family))) {
        destroy(names.spareSet(family));
      }
    }
    return mended;
  }

  private void createMissing(Family family, List<String> mended) {
    create(names.set(family), family);
    if (make(names.spareSet(family), family, 0) == Make.RIGHT) {
      // A process before this one was ended while the spare stood in.
      copy(names.spareSet(family), names.set(family));
    }
    mended.add("the set " + names.set(family) + " was missing");
  }

  private void swap(Family family, List<String> mended) {
    fillSpare(family);
    programs.run(List.of("ipset", "swap", names.spareSet(family), names.set(family)));
    rooms.put(names.set(family), MAX_ELEMENTS);
    mended.add("the set " + names.set(family) + " had too little room or no timeouts");
  }

  private void replace(Set<Family> aliens, PortRange ephemeral, List<String> mended) {
    aliens.forEach(this::fillSpare);
    rules.ensure(family ->
        chains(
            family,
            aliens.contains(family) ? names.spareSet(family) : names.set(family),
            ephemeral));
    for (Family family : aliens) {
      destroy(names.set(family));
      create(names.set(family), family);
      copy(names.spareSet(family), names.set(family));
      mended.add("the set " + names.set(family) + " was not of the type " + TYPE);
    }
  }

  private void fillSpare(Family family) {
    String spare = names.spareSet(family);
    Make make = make(spare, family, 0);
    if (make != Make.RIGHT) {
      if (make != Make.MISSING) {
        destroy(spare);
      }
      create(spare, family);
    }
    copy(names.set(family), spare);
  }

  /** The one chain: who is not in the set goes on; what is left is refused, as configured. */
  private Map<String, List<String>> chains(Family family, String set, PortRange ephemeral) {
    List<String> chain = new ArrayList<>();
    chain.add("-m set ! --match-set " + set + " src -j RETURN");
    chain.addAll(RefusalRules.of(config, family, ephemeral));
    return Map.of(names.chain(), List.copyOf(chain));
  }

  @Override
  public long maxTimeoutMillis() {
    return MAX_TIMEOUT_SECONDS * 1_000;
  }

  @Override
  public void apply(Changes changes) {
    if (changes.size() == 0 || isApplied(changes)) {
      return;
    }
    restore.feed(out -> {
      try {
        changes.forEach(new Writer(new IpsetLines(out, makes())));
      } catch (UncheckedIOException e) {
        throw e.getCause();
      }
    });
  }

  /** Whether all were carried out over netlink. */
  private boolean isApplied(Changes changes) {
    IpsetSocket direct = socket;
    if (direct == null || changes.size() > MAX_DIRECT) {
      return false;
    }
    try {
      changes.forEach(new Writer(direct));
      return true;
    } catch (UncheckedIOException e) {
      // What is wrong, ipset says in words; what was carried out may be so again.
      logger.atDebug().addKeyValue("message", e.getMessage()).log("ipset makes the changes");
      closeSocket();
      return false;
    }
  }

  /** Opens a socket to the kernel or, where that cannot be, starts a program that waits. */
  @Override
  public void makeReady() {
    if (socket == null && !isWithoutNetlink) {
      try {
        socket = IpsetSocket.open(programs);
      } catch (IOException e) {
        isWithoutNetlink = true;
        logger
            .atWarn()
            .addKeyValue("message", e.getMessage())
            .log("a program puts each ban into its set, because netlink does not work");
      }
    }
    if (socket == null) {
      restore.start();
    }
  }

  @Override
  public void relax() {
    restore.end();
    closeSocket();
  }

  private void closeSocket() {
    IpsetSocket open = socket;
    socket = null;
    if (open != null) {
      open.close();
    }
  }

  /** Says changes as commands to the sets of the instance. */
  private final class Writer implements ChangeVisitor {
    private final SetCommands to;
    private long now;
    private int changes;

    Writer(SetCommands to) {
      this.to = to;
    }

    @Override
    public void put(IpPrefix prefix, long untilMillis) {
      if (changes++ % CHANGES_A_LOOK == 0) {
        now = clock.millis();
      }
      if (untilMillis <= now) {
        remove(prefix);
        return;
      }
      try {
        to.add(set(prefix), prefix, timeoutSeconds(untilMillis));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void remove(IpPrefix prefix) {
      try {
        to.remove(set(prefix), prefix);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private String set(IpPrefix prefix) {
      Elements.requireNotEverybody(prefix);
      return names.set(Family.of(prefix));
    }

    /** Rounded up, so that none ends early; 0 is for ever. */
    private long timeoutSeconds(long untilMillis) {
      return untilMillis == FOR_EVER
          ? 0
          : Math.min(MAX_TIMEOUT_SECONDS, Math.ceilDiv(untilMillis - now, 1_000L));
    }
  }

  @Override
  public void read(ElementVisitor visitor) {
    for (Family family : Family.values()) {
      programs.read(
          List.of("ipset", "save", names.set(family)),
          answer ->
              new IpsetListing(
                      true, (prefix, timeout) -> visitor.element(prefix, untilMillis(timeout)))
                  .readFrom(answer));
    }
  }

  /** The kernel tells whole seconds, rounded down: the end lies within the one that follows. */
  private long untilMillis(long timeoutSeconds) {
    if (timeoutSeconds == 0) {
      return FOR_EVER;
    }
    return timeoutSeconds < 0 ? 0 : clock.millis() + timeoutSeconds * 1_000 + 500;
  }

  @Override
  public DropCounters drops() {
    return rules.drops();
  }

  @Override
  public void flush() {
    rules.remove();
    destroySets();
  }

  /** Whether a set bears the name of the instance. */
  boolean hasSets() {
    return Stream.of(Family.values())
        .anyMatch(family -> exists(names.set(family)) || exists(names.spareSet(family)));
  }

  /** Removes the sets, to which no rule may refer any more. */
  void destroySets() {
    for (Family family : Family.values()) {
      for (String set : List.of(names.set(family), names.spareSet(family))) {
        if (exists(set)) {
          destroy(set);
        }
      }
    }
  }

  /** What makes each of our sets, as ipset is told it. */
  private Map<String, String> makes() {
    Map<String, String> makes = new HashMap<>();
    for (Family family : Family.values()) {
      for (String set : List.of(names.set(family), names.spareSet(family))) {
        Integer room = rooms.get(set);
        if (room != null) {
          makes.put(
              set, " " + TYPE + " family " + family.ipset() + " maxelem " + room + " timeout 0");
        }
      }
    }
    return makes;
  }

  private void create(String set, Family family) {
    rooms.put(set, MAX_ELEMENTS);
    programs.run(
        List.of(
            "ipset",
            "create",
            set,
            TYPE,
            "family",
            family.ipset(),
            "maxelem",
            Integer.toString(MAX_ELEMENTS),
            "timeout",
            "0"));
  }

  private void destroy(String set) {
    rooms.remove(set);
    programs.run(List.of("ipset", "destroy", set));
  }

  /** Adds to a set what is in another, with its ends, as far as it is prefixes. */
  private void copy(String from, String to) {
    programs.feed(
        RESTORE,
        out -> {
          IpsetLines lines = new IpsetLines(out, makes());
          programs.read(
              List.of("ipset", "save", from),
              answer ->
                  new IpsetListing(false, (prefix, timeout) -> add(lines, to, prefix, timeout))
                      .readFrom(answer));
        });
  }

  private static void add(IpsetLines lines, String to, IpPrefix prefix, long timeout)
      throws IOException {
    if (timeout >= 0) {
      // The seconds that are left were rounded down; it must not end early.
      lines.add(to, prefix, timeout == 0 ? 0 : Math.min(MAX_TIMEOUT_SECONDS, timeout + 1));
    }
  }

  private boolean exists(String set) {
    return header(set).isPresent();
  }

  private Make make(String set, Family family, int elements) {
    Optional<String> header = header(set);
    if (header.isEmpty()) {
      return Make.MISSING;
    }
    Matcher matcher = HEADER.matcher(header.get());
    if (!matcher.find()
        || !matcher.group("type").equals(TYPE)
        || !matcher.group("family").equals(family.ipset())) {
      return Make.ALIEN;
    }
    int room = Integer.parseInt(matcher.group("room"));
    String rest = matcher.group("rest");
    if (room < elements || !TIMEOUTS.matcher(rest).find() || EXTRAS.matcher(rest).find()) {
      return Make.SWAPPABLE;
    }
    rooms.put(set, room);
    return Make.RIGHT;
  }

  /** What ipset tells of a set without its elements; empty: there is none. */
  private Optional<String> header(String set) {
    try {
      return Optional.of(programs.text(List.of("ipset", "list", "-terse", set)));
    } catch (PacketFilterException e) {
      if (e.says(NO_SUCH_SET)) {
        return Optional.empty();
      }
      throw e;
    }
  }
}
