package io.ipsentry.cli;

import static io.ipsentry.enforcer.kernel.PacketFilter.FOR_EVER;
import static io.ipsentry.enforcer.kernel.PacketFilterException.Cause.NO_CAPABILITY;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import io.ipsentry.authz.admin.AdminCallers;
import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.authz.admin.AdminServer;
import io.ipsentry.authz.admin.AdminTcp;
import io.ipsentry.authz.admin.ClusterAccess;
import io.ipsentry.authz.checks.CheckServiceEndpoint;
import io.ipsentry.ban.ActiveBans;
import io.ipsentry.ban.ProtectedPrefixes;
import io.ipsentry.ban.ProtectedPrefixes.Part;
import io.ipsentry.ban.Protection;
import io.ipsentry.banlog.BanWriter;
import io.ipsentry.banlog.InMemoryBanLog;
import io.ipsentry.banlog.LogBanOperations;
import io.ipsentry.cli.CommandRun.Said;
import io.ipsentry.cli.Finding.State;
import io.ipsentry.config.Config;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.enforcer.kernel.PacketFilter.ElementVisitor;
import io.ipsentry.enforcer.kernel.PacketFilterException;
import io.ipsentry.net.IpPrefix;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.proto.v1.ConfigStatus;
import io.ipsentry.proto.v1.EnforcerStatus;
import io.ipsentry.proto.v1.GetStatusResponse;
import io.ipsentry.proto.v1.LogStatus;
import io.ipsentry.watcher.host.HostAddresses;
import io.ipsentry.watcher.host.HostAddressesException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code doctor} on a host, with every finding provoked that others do not provoke: {@link
 * AuthzCheckupTest} those on servers for gateways, {@code EnforcerProcessIT} those of a kernel.
 */
final class HostDoctorTest {
  private final Path directory;
  private final CommandRun commands;
  private final Path log;
  private final AtomicReference<Part> protection = new AtomicReference<>(protectedPrefixes());
  private final AtomicReference<Supplier<GetStatusResponse>> status =
      new AtomicReference<>(GetStatusResponse::getDefaultInstance);
  private @Nullable AdminServer admin;

  HostDoctorTest(@TempDir Path directory) {
    this.directory = directory;
    commands = new CommandRun(directory);
    log = directory.resolve("access.log");
  }

  @AfterEach
  void close() {
    if (admin != null) {
      admin.close();
    }
  }

  private static Part protectedPrefixes(String... prefixes) {
    return new Part(Protection.Kind.NEVER_BAN, "", PrefixSet.parse(prefixes));
  }

  private Said doctor(String config, String... more) throws IOException {
    Path file = Files.writeString(directory.resolve("c.yaml"), config);
    List<String> all = new ArrayList<>(List.of("doctor", "--config", file.toString()));
    all.addAll(List.of(more));
    return commands.run(all.toArray(String[]::new));
  }

  private String places() {
    return "store: { path: %1$s/s.db }\nadmin: { socket: %1$s/a.sock }\n".formatted(directory);
  }

  private String source(String more) {
    return "sources: [{ name: web, file: %s%s }]\n".formatted(log, more) + places();
  }

  private void write(String line, int times, Instant written) throws IOException {
    Files.writeString(
        log, IntStream.range(0, times).mapToObj(line::formatted).collect(Collectors.joining()));
    Files.setLastModifiedTime(log, FileTime.from(written));
  }

  private void write(String line, int times) throws IOException {
    write(line, times, CommandRun.START);
  }

  private static String line(String client) {
    return client + " - - [21/Nov/2026:07:00:00 +0000] \"GET / HTTP/1.1\" 200 9 \"-\" \"x\"%n";
  }

  private LogBanOperations serve(boolean withChecks) {
    InMemoryBanLog bans = new InMemoryBanLog();
    LogBanOperations operations =
        new LogBanOperations(
            bans,
            bans,
            new BanWriter(bans, new ActiveBans(), commands.now::get, event -> {}),
            () -> ProtectedPrefixes.of(protection.get()),
            commands.now::get);
    AdminServer.Builder builder = AdminServer.builder(operations, () -> status.get().get());
    if (withChecks) {
      builder.service(new CheckServiceEndpoint(List::of));
    }
    admin =
        builder
            .tcp(
                new AdminTcp(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                    Optional.empty(),
                    () -> new AdminCallers(List.of(), false),
                    Optional.of(new Everybody())))
            .start(directory.resolve("a.sock"));
    return operations;
  }

  /** A cluster in which everybody may do everything. */
  private static final class Everybody implements ClusterAccess {
    @Override
    public Answer token(String token, String verb) {
      return new Answer.Granted("ann");
    }

    @Override
    public Answer certificate(List<X509Certificate> chain, String verb) {
      return new Answer.Granted("ann");
    }
  }

  // ---- clock, host, configuration

  @Test
  void doctor_clockBeforeTheProgram_fails() throws IOException {
    commands.now.set(Instant.parse("2025-12-31T23:59:59Z"));
    assertThat(doctor(places()).out())
        .contains("fail  clock: it is 2025-12-31 23:59:59Z here")
        .contains("-> set the clock");
  }

  @Test
  void look_hostWithoutAddressesOrThatCannotTell_warns() {
    List<Finding> findings = new ArrayList<>();
    HostAddresses none = HostCheckup.look(() -> HostAddresses.NONE, findings::add);
    HostAddresses untold =
        HostCheckup.look(
            () -> {
              throw new HostAddressesException("no such file", new IOException("gone"));
            },
            findings::add);

    assertThat(none).isEqualTo(untold);
    assertThat(findings)
        .extracting(Finding::what)
        .containsExactly(
            "no address of this host was found",
            "the addresses of this host cannot be read: no such file");
    assertThat(findings).extracting(Finding::state).containsOnly(State.WARN);
  }

  @Test
  void doctor_configurationsThatAreNone_sayWhichAndHowToMend() throws IOException {
    assertThat(commands.run("doctor", "--config", directory + "/no.yaml").out())
        .contains("fail  config: ")
        .contains("name another with --config");
    assertThat(doctor("sources: []\n" + places()).out())
        .contains("0 sources, 2 rules")
        .contains("name your logs as sources, or serve gateways");
    assertThat(doctor("rules: []\n" + source("")).out())
        .contains("1 sources, 0 rules")
        .contains("write a rule, or leave out rules:");
    assertThat(doctor("sourcs: []\n").out())
        .contains("fail  config: ")
        .contains("c.yaml:1:1: ")
        .contains("sources");
    assertThat(
            doctor(
                    "rules: [{ name: a, on: request, match: { paths: x }, threshold: 1 }]\n"
                        + "authz: { http: \":9002\" }\n"
                        + places())
                .out())
        .contains("warn  config: ")
        .contains("callers");
  }

  @Test
  void doctor_noConfiguration_saysWhatHolds() {
    assertThat(commands.run("doctor").out())
        .contains(
            "warn  config: there is no /etc/ip-sentry/ip-sentry.yaml; what is built in holds");
  }

  // ---- instance and store

  @Test
  void doctor_nobodyToBan_failsTheCanary() throws IOException {
    Said said = doctor(places(), "--canary");
    assertThat(said.out())
        .contains("warn  instance: ip-sentry is not running: nobody answers on " + directory)
        .contains("fail  canary: nobody is there to ban");
    assertThat(doctor("store: { kubernetes: {} }\n").out())
        .contains("fail  instance: nobody answers on ")
        .contains("the log of this configuration is in a cluster");
  }

  @Test
  void doctor_instanceThatRefusedAConfigurationOrCannotAnswer_fails() throws IOException {
    LogBanOperations ignored = serve(false);
    status.set(() ->
        GetStatusResponse.newBuilder()
            .setLog(LogStatus.newBuilder().setStore(directory + "/s.db"))
            .setConfig(ConfigStatus.newBuilder().setRefused("line 3: unknown key"))
            .build());
    assertThat(doctor(places()).out())
        .contains("fail  instance: a newer configuration was refused: line 3: unknown key")
        .contains("warn  addresses: ip-sentry on ")
        .contains("is older than this command; restart it");

    status.set(() -> {
      throw new IllegalStateException("a defect");
    });
    assertThat(doctor(places()).out())
        .contains("fail  instance: no answer from ip-sentry on ")
        .contains("look at its log; restart ip-sentry");
  }

  @Test
  void doctor_storeThatIsNone_fails() throws IOException {
    Files.writeString(directory.resolve("s.db"), "this is no database, but a text of some length");
    assertThat(doctor(places()).out()).contains("fail  store: ").contains("-> set store.path");
  }

  /** A host of the test's own. */
  private record Host(boolean readable, boolean writable, long free) implements HostFiles {
    @Override
    public boolean isReadable(Path file) {
      return readable;
    }

    @Override
    public boolean isWritable(Path path) {
      return writable;
    }

    @Override
    public long freeBytes(Path directory) throws IOException {
      if (free < 0) {
        throw new IOException("stale file handle");
      }
      return free;
    }
  }

  private List<Finding> store(Host host, Path store) throws IOException {
    Path file = Files.writeString(directory.resolve("c.yaml"), places());
    Shell shell = commands.shell(System.out, System.err);
    Locations locations = Locations.find(file, shell, ExitCode.FAILED);
    return new StoreCheckup(host, shell)
        .look(new ConnectionOptions.Way.Store(store, locations, null));
  }

  @Test
  void look_storeThatMayNotBeWritten_fails() throws IOException {
    assertThat(commands.run("ban", "203.0.113.7", "--store", directory + "/s.db").exitCode())
        .isZero();
    long much = 1L << 40;

    assertThat(store(new Host(true, true, much), directory.resolve("s.db")))
        .contains(Finding.ok("store", directory + "/s.db: 1 events"));
    assertThat(store(new Host(true, false, much), directory.resolve("s.db")).getFirst())
        .returns(State.FAIL, Finding::state)
        .returns(directory + "/s.db cannot be written by tester", Finding::what);
    assertThat(store(new Host(true, false, much), directory.resolve("none/t.db")).getFirst())
        .returns(State.FAIL, Finding::state)
        .returns(directory + "/none/t.db cannot be created by tester", Finding::what);
    assertThat(store(new Host(true, true, much), directory.resolve("none/t.db")))
        .contains(Finding.ok("store", directory + "/none/t.db will be created"));
  }

  @Test
  void space_little_warnsAndThenFails() {
    Shell shell = commands.shell(System.out, System.err);
    assertThat(new StoreCheckup(new Host(true, true, 101L << 20), shell).space(directory).state())
        .isEqualTo(State.OK);
    assertThat(new StoreCheckup(new Host(true, true, 99L << 20), shell).space(directory))
        .returns(State.WARN, Finding::state)
        .returns("make room", Finding::mend);
    assertThat(new StoreCheckup(new Host(true, true, 9L << 20), shell).space(directory))
        .returns(State.FAIL, Finding::state)
        .returns("make room, or no ban can be stored", Finding::mend);
    assertThat(new StoreCheckup(new Host(true, true, -1), shell).space(directory))
        .returns(State.WARN, Finding::state)
        .returns("free space cannot be told: stale file handle", Finding::what);
  }

  // ---- sources

  @Test
  void doctor_linesThatAreNotThoseOfASource_areToldApart() throws IOException {
    write("", 0);
    assertThat(doctor(source("")).out()).contains("warn  source web: " + log + " is empty");
    write("what is this%n", 30);
    assertThat(doctor(source("")).out())
        .contains("fail  source web: " + log + ": 0 of the last 30 lines understood")
        .contains("see ip-sentry explain " + log);
    write(line("203.0.113.%d") + "what is this%n", 30);
    assertThat(doctor(source(", format: combined")).out())
        .contains("warn  source web: " + log + ": 30 of the last 60 lines understood as combined");
    write(line("203.0.113.%d"), 30, CommandRun.START.minus(Duration.ofDays(2)));
    assertThat(doctor(source("")).out())
        .contains("warn  source web: ")
        .contains("as combined, but not written for 2d");
  }

  @Test
  void doctor_clientsThatAreNone_areSaid() throws IOException {
    write(line("-"), 30);
    assertThat(doctor(source(", format: combined")).out())
        .contains("fail  source web: " + log + ": no line names a client, so nobody can be banned");
    write(line("203.0.113.7"), 30);
    assertThat(doctor(source("")).out())
        .contains("warn  source web: " + log + ": 203.0.113.7 sent 100% of the last lines")
        .contains("if it is a proxy, add it to trustedProxies");
    write(
        "{\"ClientAddr\":\"203.0.113.%d:4711\",\"ClientHost\":\"198.51.100.7\","
            + "\"RequestMethod\":\"GET\",\"RequestPath\":\"/\",\"DownstreamStatus\":200,"
            + "\"time\":\"2026-11-21T07:00:00Z\"}%n",
        30);
    assertThat(doctor(source(", format: traefik-json, client: { from: x-forwarded-for }")).out())
        .contains("warn  source web: " + log + ": 30 forwarded addresses were not believed");
  }

  @Test
  void doctor_timesThatAreAhead_areThoseOfAZoneOrOfAClock() throws IOException {
    write(line("203.0.113.%d"), 30, CommandRun.START.minus(Duration.ofHours(2)));
    assertThat(doctor(source("")).out())
        .contains("warn  source web: " + log + ": the last line's time is 2h after it was written")
        .contains("set timeZone of the source to the server's");
    write(line("203.0.113.%d"), 30, CommandRun.START.minus(Duration.ofMinutes(7)));
    assertThat(doctor(source("")).out())
        .contains("the last line's time is 7m after it was written")
        .contains("check the clocks of this host and of the server");
  }

  @Test
  void doctor_manyFiles_looksIntoSomeAndSaysSo() throws IOException {
    for (int i = 0; i < 4_100; i++) {
      Path ignored = Files.createFile(directory.resolve("many-" + i + ".log"));
    }
    Said said =
        doctor("sources: [{ name: all, file: %s/many-*.log }]\n".formatted(directory) + places());
    assertThat(said.out())
        .contains("warn  source all: more files match than are followed")
        .contains("ok    source all: 4086 more files were not looked into");
  }

  private List<Finding> sources(HostFiles host) throws IOException {
    write(line("203.0.113.%d"), 30);
    Config config =
        new ConfigLoader()
            .parse("c.yaml", source("").getBytes(StandardCharsets.UTF_8), directory)
            .orThrow();
    return new SourceCheckup(
            config, ProtectedPrefixes.of(List.of()), host, commands.shell(System.out, System.err))
        .look(config.sources().getFirst());
  }

  @Test
  void look_fileThatCannotBeRead_fails() throws IOException {
    assertThat(sources(new Host(false, true, 0)))
        .singleElement()
        .returns(State.FAIL, Finding::state)
        .returns(log + " cannot be read by tester", Finding::what);
    HostFiles deleting =
        new HostFiles() {
          @Override
          public boolean isReadable(Path file) {
            try {
              Files.delete(file);
            } catch (IOException e) {
              throw new AssertionError(e);
            }
            return true;
          }

          @Override
          public boolean isWritable(Path path) {
            return true;
          }

          @Override
          public long freeBytes(Path of) {
            return 0;
          }
        };
    assertThat(sources(deleting))
        .singleElement()
        .returns(State.FAIL, Finding::state)
        .returns("check the file system", Finding::mend)
        .satisfies(found -> assertThat(found.what()).startsWith(log + " cannot be read: "));
  }

  @Test
  void doctor_sourcesWithoutFiles_areSaid() throws IOException {
    String config =
        """
        sources:
          - { name: journal, journald: { units: ssh.service }, format: sshd }
          - { name: in, stdin: true }
          - { name: edge, als: true }
        authz: { listen: "127.0.0.1:0" }
        """
            + places();
    Path programs = Files.createDirectory(directory.resolve("bin"));
    commands.environment.put("PATH", programs.toString());
    assertThat(doctor(config).out())
        .contains("fail  source journal: there is no journalctl")
        .contains("ok    source in: standard input of run")
        .contains("ok    source edge: what gateways send to authz.listen");

    Path ignored =
        Files.setPosixFilePermissions(
            Files.createFile(programs.resolve("journalctl")),
            PosixFilePermissions.fromString("rwxr-xr-x"));
    assertThat(doctor(config).out()).contains("ok    source journal: journalctl is there");
  }

  // ---- enforcer

  private static List<String> enforcer(EnforcerStatus.Builder status) {
    return EnforcerReport.findings(status.build()).stream()
        .map(found -> found.state() + " " + found.what())
        .toList();
  }

  private static EnforcerStatus.Builder synced() {
    return EnforcerStatus.newBuilder()
        .setBackend("ipset")
        .setDecided(3)
        .setEnforced(3)
        .setLastSync(Timestamp.newBuilder().setSeconds(1));
  }

  @Test
  void findings_ofAKernel_areSaid() {
    assertThat(enforcer(EnforcerStatus.newBuilder().setFailure("ipset: not permitted")))
        .containsExactly("FAIL ipset: not permitted");
    assertThat(enforcer(EnforcerStatus.newBuilder()))
        .containsExactly("WARN the kernel is not synchronised yet");
    assertThat(
            enforcer(
                synced()
                    .setRepairs(2)
                    .setMended(1)
                    .addLeftOut("203.0.113.0/24")
                    .setMismatch("other rules are in nftables")
                    .setHeadersLeftOut(4)
                    .setLeakedLines(5)
                    .setLastLeak("203.0.113.7")))
        .satisfiesExactly(
            ok -> assertThat(ok).startsWith("OK 3 of 3 in the kernel (ipset)"),
            repaired -> assertThat(repaired).startsWith("WARN 2 elements and 1 rules and sets"),
            left -> assertThat(left).startsWith("WARN not enforced, since too many spared"),
            headers -> assertThat(headers).startsWith("WARN 4 bans are not looked for in X-For"),
            mismatch -> assertThat(mismatch).isEqualTo("WARN other rules are in nftables"),
            leak -> assertThat(leak).startsWith("WARN 5 requests came through"));
  }

  // ---- canary

  private List<String> fly() {
    return fly(seen -> {});
  }

  private List<String> fly(Consumer<ElementVisitor> kernel) {
    AdminEndpoint endpoint = new AdminEndpoint.Socket(directory.resolve("a.sock"));
    return new Canary(
            endpoint, kernel, Duration.ofMillis(200), commands.shell(System.out, System.err))
        .fly().stream().map(found -> found.state() + " " + found.what()).toList();
  }

  private void enforcing(long head) {
    status.set(() ->
        GetStatusResponse.newBuilder()
            .setLog(LogStatus.newBuilder().setHead(2))
            .setEnforcer(synced().setHead(head).setFailure("busy"))
            .build());
  }

  @Test
  void fly_thatCannotBegin_saysWhy() {
    LogBanOperations operations = serve(true);
    protection.set(protectedPrefixes("192.0.2.0/24"));
    assertThat(fly()).singleElement().asString().startsWith("FAIL 192.0.2.254 cannot be banned: ");
    protection.set(protectedPrefixes());
    var ignored = operations.ban(Canary.ADDRESS, Duration.ofHours(1), "by hand", "ann");
    assertThat(fly()).containsExactly("WARN 192.0.2.254 is banned already");
    Objects.requireNonNull(admin).close();
    assertThat(fly()).singleElement().asString().startsWith("FAIL no answer from ip-sentry on ");
  }

  @Test
  void fly_thatDoesNotArrive_saysWhere() {
    LogBanOperations ignored = serve(true);
    assertThat(fly())
        .contains(
            "WARN this instance enforces nothing in the kernel itself", "OK it was taken back");

    enforcing(0);
    assertThat(fly())
        .anySatisfy(found ->
            assertThat(found).startsWith("FAIL the enforcer has not applied event 3, but only"))
        .contains("FAIL the enforcer has not taken it back");
  }

  @Test
  void fly_thatArrives_looksIntoTheKernel() {
    LogBanOperations ignored = serve(true);
    enforcing(100);
    assertThat(fly(seen -> seen.element(Canary.ADDRESS, FOR_EVER)))
        .satisfiesExactly(
            log -> assertThat(log).startsWith("OK the log has the ban of 192.0.2.254"),
            applied -> assertThat(applied).startsWith("OK the enforcer has applied it"),
            kernel -> assertThat(kernel).startsWith("OK the kernel has it, after "),
            back -> assertThat(back).isEqualTo("OK it was taken back"));
    assertThat(fly(seen -> seen.element(IpPrefix.parse("192.0.2.253"), FOR_EVER)))
        .contains("FAIL the kernel that is seen from here does not have it");
    assertThat(
            fly(seen -> {
              throw new PacketFilterException(NO_CAPABILITY, "ipset: not permitted");
            }))
        .contains("WARN the kernel cannot be looked at: ipset: not permitted");
  }

  @Test
  void fly_onAnotherHost_cannotLookIntoItsKernel() {
    LogBanOperations ignored = serve(true);
    enforcing(100);
    AdminEndpoint elsewhere =
        new AdminEndpoint.Tcp(
            "127.0.0.1",
            Objects.requireNonNull(admin).port(),
            Optional.empty(),
            Optional.of(() -> "token"));
    assertThat(
            new Canary(
                    elsewhere,
                    seen -> {},
                    Duration.ofMillis(200),
                    commands.shell(System.out, System.err))
                .fly())
        .contains(
            Finding.warn(
                "canary",
                "the kernel of another host cannot be looked at from here",
                "run doctor --canary on that host"));
  }

  @Test
  void look_clusterThatDoesNotAnswer_isSaid() throws IOException {
    Path kubeconfig =
        Files.writeString(
            directory.resolve("kubeconfig"),
            """
            apiVersion: v1
            kind: Config
            current-context: here
            contexts: [{ name: here, context: { cluster: here, user: me, namespace: some } }]
            clusters: [{ name: here, cluster: { server: "https://127.0.0.1:1" } }]
            users: [{ name: me, user: { token: abc } }]
            """);
    Said said = commands.run("doctor", "--kubeconfig", kubeconfig.toString());
    assertThat(said.out())
        .contains("fail  cluster: cannot be looked at: ")
        .contains("fail  instance: the API server https://127.0.0.1:1")
        .contains("nobody listens there");
    assertThat(said.exitCode()).isEqualTo(1);
  }
}
