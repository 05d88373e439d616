package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.ipsentry.config.EnforcerConfig;
import io.ipsentry.config.EnforcerConfig.Backend;
import io.ipsentry.config.EnforcerConfig.Hook;
import io.ipsentry.config.EnforcerConfig.Ports;
import io.ipsentry.config.EnforcerConfig.Verdict;
import io.ipsentry.enforcer.kernel.PacketFilterException.Cause;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.RequiresProgram;
import io.ipsentry.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Capabilities, programs, locks and room that are missing: one clear error each. */
@RequiresRoot
@RequiresProgram({
  "ip",
  "ipset",
  "iptables-legacy",
  "ip6tables-legacy",
  "nft",
  "setpriv",
  "unshare",
  "flock",
  "sh"
})
class ObstaclesIT {
  private static final IpPrefix BANNED = IpPrefix.parse("192.0.2.1");

  private NetworkNamespace node;

  @BeforeEach
  void makeNamespace() {
    node = NetworkNamespace.create("obstacle");
  }

  @AfterEach
  void removeNamespace() {
    node.close();
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void withNetAdminAndNetRawOnly_everythingWorks(Backend backend) {
    PacketFilter filter = open(backend, withCapabilities("+net_admin,+net_raw"));
    assertThat(filter.ensure(1_000)).isNotEmpty();
    assertThat(filter.ensure(1_000)).isEmpty();
    Map<IpPrefix, Long> bans =
        Map.of(BANNED, PacketFilter.FOR_EVER, IpPrefix.parse("2001:db8::/64"), Long.MAX_VALUE);
    filter.apply(TestChanges.putting(bans));
    PacketFilterContract.assertThatEndsAre(filter, bans);
    assertThat(filter.drops().packets4()).isZero();
    filter.flush();
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void withoutCapabilities_saysWhichAreMissing(Backend backend) {
    assertThatThrownBy(() -> open(backend, withCapabilities("+net_raw")).ensure(1_000))
        .isInstanceOfSatisfying(
            PacketFilterException.class, e -> assertThat(e.kind()).isEqualTo(Cause.NO_CAPABILITY))
        .hasMessageContaining("NET_ADMIN");
  }

  @Test
  void auto_nothingIsPermitted_saysSoOfAll() {
    EnforcerConfig auto = EnforcerConfig.DEFAULT;
    List<String> prefix = withCapabilities("+net_raw");
    assertThatThrownBy(() -> PacketFilters.open(auto, InstantSource.system(), prefix))
        .isInstanceOfSatisfying(
            PacketFilterException.class, e -> assertThat(e.kind()).isEqualTo(Cause.NO_CAPABILITY))
        .hasMessageContaining("ipset: ")
        .hasMessageContaining("nft: ");
  }

  @Test
  void auto_everythingWorks_isIpset() {
    PacketFilters.Choice choice =
        PacketFilters.open(EnforcerConfig.DEFAULT, InstantSource.system(), node.command(List.of()));
    assertThat(choice.filter().name()).isEqualTo("ipset");
  }

  @Test
  void auto_ipsetIsNotInstalled_isNftables(@TempDir Path programs) throws IOException {
    PacketFilters.Choice choice =
        PacketFilters.open(
            EnforcerConfig.DEFAULT, InstantSource.system(), withOnly(programs, "nft", "cat"));
    assertThat(choice.filter().name()).isEqualTo("nftables");
    assertThat(choice.reason()).contains("ipset").contains("install");
    assertThat(choice.filter().ensure(1_000)).isNotEmpty();
  }

  @ParameterizedTest
  @EnumSource(Backend.class)
  void programIsNotInstalled_saysWhich(Backend backend, @TempDir Path programs) throws IOException {
    List<String> prefix = withOnly(programs, "cat");
    assertThatThrownBy(() -> open(backend, prefix))
        .isInstanceOfSatisfying(
            PacketFilterException.class, e -> assertThat(e.kind()).isEqualTo(Cause.NO_PROGRAM))
        .hasMessageContaining(
            switch (backend) {
              case IPSET -> "ipset";
              case NFTABLES -> "nft";
              case IPTABLES_RULES -> "iptables-legacy-save";
            });
  }

  @Test
  void program_thatIsNowhere_isNotInstalled() {
    assertThatThrownBy(() -> new KernelPrograms(List.of()).run(List.of("no-such-program")))
        .isInstanceOfSatisfying(
            PacketFilterException.class, e -> assertThat(e.kind()).isEqualTo(Cause.NO_PROGRAM))
        .hasMessageContaining("no-such-program is not installed");
  }

  @Test
  void lockFileOfIptables_onAReadOnlyFileSystem_saysWhatToMount() {
    List<String> prefix =
        node.command(
            List.of(
                "unshare",
                "--mount",
                "sh",
                "-c",
                "mount -t tmpfs -o ro none /run && exec \"$@\"",
                "sh"));
    PacketFilter filter = open(Backend.IPTABLES_RULES, prefix);
    assertThatThrownBy(() -> filter.ensure(1_000))
        .isInstanceOfSatisfying(
            PacketFilterException.class, e -> assertThat(e.kind()).isEqualTo(Cause.READ_ONLY))
        .hasMessageContaining("/run/xtables.lock");
  }

  @Test
  void hostBinaries_enforceWhereProcessOneIs() throws IOException {
    // A container that shares the host's process numbers, in which 1 is a process of the node.
    Process host =
        new ProcessBuilder(
                node.command(List.of("unshare", "--pid", "--fork", "--mount-proc", "sleep", "600")))
            .start();
    try {
      await().atMost(Duration.ofSeconds(10)).until(() -> sleeping(host).isPresent());
      String one = Long.toString(sleeping(host).orElseThrow().pid());
      List<String> prefix =
          new ArrayList<>(List.of("nsenter", "--target", one, "--pid", "--mount", "--"));
      prefix.addAll(PacketFilters.prefix(onTheHost()));
      PacketFilter filter = open(Backend.IPSET, prefix);
      filter.ensure(10);
      filter.apply(TestChanges.putting(Map.of(BANNED, PacketFilter.FOR_EVER)));
      assertThat(node.run("ipset", "save", "ip-blocker-4")).contains("add ip-blocker-4 192.0.2.1");
    } finally {
      host.descendants().forEach(ProcessHandle::destroyForcibly);
      host.destroyForcibly();
    }
  }

  private static Optional<ProcessHandle> sleeping(Process parent) {
    return parent
        .descendants()
        .filter(child -> child.info().command().orElse("").endsWith("/sleep"))
        .findFirst();
  }

  private static EnforcerConfig onTheHost() {
    EnforcerConfig base = EnforcerConfig.DEFAULT;
    return new EnforcerConfig(
        base.name(),
        base.backend(),
        base.hook(),
        base.ports(),
        base.verdict(),
        base.forwardedForPorts(),
        base.interval(),
        base.onExit(),
        true);
  }

  @Test
  void program_thatDoesNotEnd_isKilled() {
    KernelPrograms programs = new KernelPrograms(List.of(), Duration.ofMillis(300));
    assertThatThrownBy(() -> programs.run(List.of("sleep", "600")))
        .isInstanceOfSatisfying(
            PacketFilterException.class, e -> assertThat(e.kind()).isEqualTo(Cause.TIMEOUT));
    assertThatThrownBy(
            () -> programs.feed(List.of("sleep", "600"), out -> out.text("x".repeat(60_000))))
        .isInstanceOfSatisfying(
            PacketFilterException.class, e -> assertThat(e.kind()).isEqualTo(Cause.TIMEOUT));
  }

  @Test
  void program_thatComplainsAtLength_isQuotedInOneLine() {
    KernelPrograms programs = new KernelPrograms(List.of());
    PacketFilterException error =
        catchThrowableOfType(
            PacketFilterException.class,
            () ->
                programs.run(
                    List.of("sh", "-c", "seq 100000 >&2; printf 'bell \\007' >&2; exit 3")));
    assertThat(error.kind()).isEqualTo(Cause.OTHER);
    assertThat(error)
        .hasMessageStartingWith("sh ended with code 3 and said: 1; 2; 3")
        .hasMessageNotContaining("\n");
    assertThat(String.valueOf(error.getMessage()).length()).isLessThan(400);
  }

  @Test
  void rules_tooMany_areRefusedWithTheReason() {
    PacketFilter filter = open(Backend.IPTABLES_RULES, node.command(List.of()));
    assertThatThrownBy(() -> filter.ensure(2_001))
        .isInstanceOfSatisfying(
            PacketFilterException.class, e -> assertThat(e.kind()).isEqualTo(Cause.TOO_MANY))
        .hasMessageContaining("each packet passes every rule");
    filter.ensure(2_000);
    filter.apply(TestChanges.of(v -> many(v, 2_000)));
    assertThat(PacketFilterContract.read(filter)).hasSize(2_000);
    assertThatThrownBy(() -> filter.apply(TestChanges.of(v -> many(v, 2_001))))
        .isInstanceOfSatisfying(
            PacketFilterException.class, e -> assertThat(e.kind()).isEqualTo(Cause.TOO_MANY));
    assertThat(PacketFilterContract.read(filter)).hasSize(2_000);
  }

  @Test
  void ipset_theSetIsFull_saysSo() {
    PacketFilter filter = open(Backend.IPSET, node.command(List.of()));
    node.run("ipset", "create", "ip-blocker-4", "hash:net", "timeout", "0", "maxelem", "10");
    filter.ensure(10);
    assertThatThrownBy(() -> filter.apply(TestChanges.of(v -> many(v, 100))))
        .isInstanceOfSatisfying(
            PacketFilterException.class, e -> assertThat(e.kind()).isEqualTo(Cause.TOO_MANY));
    filter.ensure(100);
    filter.apply(TestChanges.of(v -> many(v, 100)));
    assertThat(PacketFilterContract.read(filter)).hasSize(100);
  }

  @Test
  void dockerUser_withoutDocker_saysSo() {
    EnforcerConfig config =
        Configs.of("", Backend.IPSET, Hook.DOCKER_USER, Ports.INBOUND, Verdict.DROP);
    PacketFilter filter =
        PacketFilters.open(config, InstantSource.system(), node.command(List.of())).filter();
    assertThatThrownBy(() -> filter.ensure(10))
        .isInstanceOf(PacketFilterException.class)
        .hasMessageContaining("DOCKER-USER")
        .hasMessageContaining("start Docker");
    assertThat(node.run("iptables-legacy-save") + node.run("ip6tables-legacy-save"))
        .doesNotContain("IP-BLOCKER");
  }

  @Test
  void reject_beforeConnectionTracking_isRefused() {
    EnforcerConfig config = Configs.of("", Backend.IPSET, Hook.RAW, Ports.ALL, Verdict.REJECT);
    assertThatThrownBy(
            () -> PacketFilters.open(config, InstantSource.system(), node.command(List.of())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cannot answer");
  }

  @Test
  void name_thatCouldBeAnOption_isRefused() {
    for (String name : List.of("a b", "-A\nCOMMIT", "x;reboot", "thirteen-long", "a.new")) {
      assertThatThrownBy(() -> PacketFilters.open(named(name), InstantSource.system(), List.of()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("name");
    }
  }

  private static EnforcerConfig named(String name) {
    EnforcerConfig base = Configs.of(Backend.IPSET);
    return new EnforcerConfig(
        name,
        Optional.of(Backend.IPSET),
        base.hook(),
        base.ports(),
        base.verdict(),
        base.forwardedForPorts(),
        base.interval(),
        base.onExit(),
        base.hostBinaries());
  }

  private static void many(PacketFilter.ChangeVisitor visitor, int count) {
    for (int i = 0; i < count; i++) {
      visitor.put(IpPrefix.ofV4(0xc6120000 + i), PacketFilter.FOR_EVER);
    }
  }

  private PacketFilter open(Backend backend, List<String> prefix) {
    return PacketFilters.open(Configs.of(backend), InstantSource.system(), prefix).filter();
  }

  private List<String> withCapabilities(String capabilities) {
    return node.command(
        List.of(
            "setpriv",
            "--inh-caps=-all," + capabilities,
            "--bounding-set=-all," + capabilities,
            "--"));
  }

  /** A prefix under which no programs are found but these. */
  private List<String> withOnly(Path directory, String... programs) throws IOException {
    for (String program : programs) {
      Path found =
          Stream.of("/usr/sbin", "/usr/bin", "/sbin", "/bin")
              .map(each -> Path.of(each, program))
              .filter(Files::isExecutable)
              .findFirst()
              .orElseThrow();
      Files.createSymbolicLink(directory.resolve(program), found);
    }
    List<String> prefix = new ArrayList<>();
    prefix.addAll(
        node.command(
            List.of("env", "PATH=" + directory, "/usr/bin/nsenter", "--net=/proc/self/ns/net")));
    return prefix;
  }
}
