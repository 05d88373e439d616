package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Sets of the real kernel, read over netlink and as nft lists them. */
@RequiresRoot
@RequiresProgram({"ip", "nft", "sh", "cat", "readlink"})
class NftSetsIT {
  /** Several datagrams; the kernel puts some 800 IPv4 or 600 IPv6 elements into one. */
  private static final int MANY = 5_000;

  private static final String TABLE = "test";

  private NetworkNamespace node;
  private KernelPrograms programs;

  @BeforeEach
  void makeTable() {
    node = NetworkNamespace.create("sets");
    programs = new KernelPrograms(node.command(List.of()));
    nft(
        "add table inet test",
        "add set inet test v4-32-3 { type ipv4_addr; flags timeout; }",
        "add set inet test v6-64 { type ipv6_addr; flags timeout; }",
        "add set inet test others { type ipv4_addr; flags timeout; }",
        "add element inet test others { 192.0.2.9 }");
  }

  @AfterEach
  void removeNamespace() {
    node.close();
  }

  @Test
  void read_manyElementsOfBothFamilies_isWhatNftLists() {
    fill();
    NftSets overNetlink = sets(programs);
    Map<IpPrefix, Long> dumped = read(overNetlink, "v4-32-3", "v6-64", "others");
    assertThat(overNetlink.listsByNft()).isFalse();
    NftSets byNft = sets(outOfSight());
    Map<IpPrefix, Long> listed = read(byNft, "v4-32-3", "v6-64", "others");
    assertThat(byNft.listsByNft()).isTrue();
    assertThat(dumped).hasSize(2 * MANY);
    assertThat(dumped.keySet()).isEqualTo(listed.keySet());
    dumped.forEach((ip, end) -> {
      if (end == PacketFilter.FOR_EVER) {
        assertThat(listed.get(ip)).as("end of %s", ip).isEqualTo(end);
      } else {
        assertThat(listed.get(ip)).as("end of %s", ip).isCloseTo(end, within(2_000L));
      }
    });
  }

  @Test
  void read_whileRulesOfOthersChange_showsEachElementOnce() throws InterruptedException {
    fill();
    AtomicBoolean done = new AtomicBoolean();
    AtomicInteger changes = new AtomicInteger();
    Thread others =
        Thread.ofPlatform()
            .start(() -> {
              while (!done.get() && changes.get() < 2_000) {
                nft("add table inet other", "delete table inet other");
                changes.incrementAndGet();
              }
            });
    try {
      NftSets sets = sets(programs);
      do {
        assertThat(read(sets, "v4-32-3", "v6-64")).hasSize(2 * MANY);
      } while (changes.get() < 20 && others.isAlive());
      assertThat(sets.listsByNft()).isFalse();
    } finally {
      done.set(true);
      others.join();
    }
    assertThat(changes.get()).isGreaterThanOrEqualTo(20);
  }

  @Test
  void read_setIsGone_isSaidInTheWordsOfNft() {
    NftSets sets = sets(programs);
    assertThatThrownBy(() -> read(sets, "v4-32-3", "v4-24"))
        .isInstanceOf(PacketFilterException.class)
        .hasMessageContaining("No such file");
    assertThat(read(sets, "v4-32-3")).isEmpty();
    assertThat(sets.listsByNft()).isFalse();
  }

  @Test
  void read_namespaceIsGone_saysSo() {
    KernelPrograms nowhere =
        new KernelPrograms(List.of("ip", "netns", "exec", node.name() + "-not"));
    assertThatThrownBy(() -> read(sets(nowhere), "v4-32-3"))
        .isInstanceOfSatisfying(
            PacketFilterException.class, e -> assertThat(e.kind()).isEqualTo(Cause.OTHER))
        .hasMessageContaining("namespace");
  }

  @Test
  void read_aSetOfOtherKeys_isNoAnswer() {
    nft("add set inet test v4-24 { type inet_service; flags timeout; }");
    nft("add element inet test v4-24 { 80 }");
    assertThatThrownBy(() -> read(sets(programs), "v4-24"))
        .isInstanceOf(PacketFilterException.class);
  }

  @Test
  void netlink_ofAnotherNamespace_isOnlyThere() throws IOException {
    LibC libC = LibC.load();
    try (NetlinkSocket here = new KernelPrograms(List.of()).netlink(libC);
        NetlinkSocket there = programs.netlink(libC)) {
      nft("add element inet test v4-32-3 { 192.0.2.3 }");
      List<Long> found = new ArrayList<>();
      SetDump dump = new SetDump(1, 4, (hi, lo, left) -> found.add(lo));
      there.send(dump.request(TABLE, "v4-32-3"));
      for (boolean last = false; !last; ) {
        last = dump.read(there.receive());
      }
      assertThat(found).containsExactly(0xc0000203L);
      SetDump missing = new SetDump(2, 4, (hi, lo, left) -> found.add(lo));
      here.send(missing.request(TABLE, "v4-32-3"));
      assertThatThrownBy(() -> missing.read(here.receive()))
          .isInstanceOf(SetDump.RefusedException.class)
          .hasMessageContaining("error 2");
    }
  }

  /** Every third without an end. */
  private void fill() {
    StringBuilder v4 = new StringBuilder("add element inet test v4-32-3 { ");
    StringBuilder v6 = new StringBuilder("add element inet test v6-64 { ");
    for (int i = 0; i < MANY; i++) {
      String end = i % 3 == 0 ? ", " : " timeout " + (100 + i) + "s, ";
      v4.append(IpPrefix.ofV4(0xc6120000 + i)).append(end);
      v6.append("2001:db8:").append(Integer.toHexString(i)).append("::").append(end);
    }
    nft(v4 + "}", v6 + "}");
  }

  private void nft(String... lines) {
    programs.feed(
        List.of("nft", "-f", "-"),
        out -> {
          for (String line : lines) {
            for (int at = 0; at < line.length(); at += 1_000) {
              out.text(line.substring(at, Math.min(at + 1_000, line.length())));
            }
            out.text("\n");
          }
        });
  }

  /** Programs whose namespace this process cannot enter, since they are not its children. */
  private KernelPrograms outOfSight() {
    return new KernelPrograms(outOfSight(node));
  }

  static List<String> outOfSight(NetworkNamespace node) {
    String script = "ip netns exec " + node.name() + " \"$@\"; exit $?";
    return List.of("sh", "-c", script, "sh");
  }

  private static NftSets sets(KernelPrograms programs) {
    return new NftSets(programs, TABLE, InstantSource.system(), Long.MAX_VALUE / 2);
  }

  private static Map<IpPrefix, Long> read(NftSets sets, String... names) {
    Map<IpPrefix, Long> read = new TreeMap<>();
    sets.read(
        List.of(names), (ip, end) -> assertThat(read.put(ip, end)).as("%s twice", ip).isNull());
    return read;
  }
}
