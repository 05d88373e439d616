package io.ipsentry.cli;

import io.ipsentry.authz.admin.AdminEndpoint;
import io.ipsentry.banlog.ListedBan;
import io.ipsentry.cli.Table.Column;
import io.ipsentry.cli.demo.ClusterDemo;
import io.ipsentry.cli.demo.ClusterPlay;
import io.ipsentry.cli.demo.ClusterStage;
import io.ipsentry.cli.demo.ClusterTrack;
import io.ipsentry.cli.demo.DemoClient;
import io.ipsentry.cli.demo.DemoDirectory;
import io.ipsentry.cli.demo.DemoException;
import io.ipsentry.cli.demo.DemoPlay;
import io.ipsentry.cli.demo.DemoStage;
import io.ipsentry.cli.demo.DemoTrack;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code demo}: an attack on a gateway of its own, and what becomes of it. */
@Command(
    name = "demo",
    header = "Show on this machine how attackers are banned, and nobody else.",
    description = {
      "Sends attackers and ordinary clients against a site of its own, draws who was answered and"
          + " who refused, and removes everything again, also on Ctrl-C. Exit 1: an attacker came"
          + " through, or somebody else was refused.",
      "",
      "As root, from a checkout: a cluster of three nodes in network namespaces, with its API"
          + " server, a gateway and an enforcer on each node, two watchers and two authz-servers."
          + " Else, and with --small: nginx, an application and ip-sentry on free ports of the"
          + " loopback address, which needs no privilege. Neither touches the kernel's tables of"
          + " this host, nor another ip-sentry.",
      ""
    },
    footer = {"", "Examples:", "  ip-sentry demo", "  ip-sentry demo --rate 1000 --seconds 10"})
final class DemoCommand implements Callable<Integer> {
  private static final Logger logger = LoggerFactory.getLogger(DemoCommand.class);

  private static final String BUILDING =
      "building a cluster: 3 nodes, each with nginx and an enforcer, an API server with etcd, 2"
          + " watchers, 2 authz-servers; that takes half a minute";

  /** After a signal the process ends by then, whatever is left. */
  private static final int MAX_REMOVING_SECONDS = 60;

  private static final int MAX_SECONDS = 60;
  private static final int MAX_RATE = 1_000;

  /** Columns of a time line; a terminal of 80 columns has room for it. */
  private static final int SLOTS = 48;

  private static final int NAME_COLUMNS = 24;
  private static final Duration REDRAW = Duration.ofMillis(200);

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final OutputOption output = new OutputOption();

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "How long the attack lasts, 1 to 60. Default: ${DEFAULT-VALUE}.",
      defaultValue = "6")
  private int seconds;

  @Option(
      names = "--rate",
      paramLabel = "N",
      description = "Requests a second of each prober, 1 to 1000. Default: ${DEFAULT-VALUE}.",
      defaultValue = "100")
  private int rate;

  @Option(names = "--small", description = "Without a cluster, also where one could be built.")
  private boolean small;

  private final Shell shell;

  DemoCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (seconds < 1 || seconds > MAX_SECONDS) {
      throw CommandException.usage("--seconds: " + seconds + " is not between 1 and 60");
    }
    if (rate < 1 || rate > MAX_RATE) {
      throw CommandException.usage("--rate: " + rate + " is not between 1 and 1000");
    }
    try {
      Optional<ClusterDemo> cluster = small ? Optional.empty() : cluster();
      return cluster.isPresent() ? playCluster(cluster.get()) : playSmall();
    } catch (DemoException e) {
      throw CommandException.failed(String.valueOf(e.getMessage()), e);
    }
  }

  /** Who builds a cluster here; empty: nobody, which is said. */
  private Optional<ClusterDemo> cluster() {
    Optional<ClusterDemo> found = ServiceLoader.load(ClusterDemo.class).findFirst();
    Optional<String> obstacle =
        found.isPresent()
            ? found.get().obstacle()
            : Optional.of("it is built by ./ip-sentry of a checkout alone");
    obstacle.ifPresent(
        why -> shell.err().println("the small demonstration, without a cluster: " + why));
    return obstacle.isPresent() ? Optional.empty() : found;
  }

  private int playCluster(ClusterDemo demo) throws IOException, InterruptedException {
    // Short: the path of a Unix socket has 107 bytes at most.
    Path directory = Files.createTempDirectory(Path.of("/tmp"), "ip-sentry-demo.");
    Thread player = Thread.currentThread();
    CountDownLatch removed = new CountDownLatch(1);
    Thread hook = Thread.ofPlatform().name("demo-stop").unstarted(() -> stop(player, removed));
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      shell.err().println(BUILDING);
      long begun = System.nanoTime();
      try (ClusterStage stage = demo.build(directory)) {
        shell
            .err()
            .printf("ready after %d s%n", Duration.ofNanos(System.nanoTime() - begun).toSeconds());
        return play(stage);
      }
    } finally {
      DemoDirectory.remove(directory);
      removed.countDown();
      unhook(hook);
    }
  }

  /** Has the player take everything away, and waits until it has. */
  private static void stop(Thread player, CountDownLatch removed) {
    player.interrupt();
    try {
      if (!removed.await(MAX_REMOVING_SECONDS, TimeUnit.SECONDS)) {
        logger.atWarn().log("not all of the demonstration was taken away in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private int play(ClusterStage stage) throws InterruptedException {
    Duration length = Duration.ofSeconds(seconds);
    boolean live = !output.isJson() && shell.outWidth().getAsInt() > 0;
    ClusterDemoDrawing drawing = new ClusterDemoDrawing(shell, stage.nodes());
    try (ClusterPlay play =
        ClusterPlay.start(stage, rate, length, ClusterDemoDrawing.SLOTS, shell.clock())) {
      while (!play.awaitEnd(REDRAW)) {
        if (live) {
          drawing.draw(play, length);
        } else if (!output.isJson()) {
          drawing.tell(play);
        }
      }
      if (output.isJson()) {
        drawing.json(play);
      } else {
        drawing.draw(play, length);
        drawing.tables(play);
      }
      shell.out().flush();
      return play.tracks().stream().allMatch(ClusterTrack::isRight) ? ExitCode.DONE : ExitCode.NO;
    }
  }

  private int playSmall() throws IOException, InterruptedException {
    Path nginx =
        DemoStage.findNginx(shell.variable("PATH").orElse(""))
            .orElseThrow(() ->
                CommandException.failed(
                    "there is no nginx here, which the demonstration puts before its application;"
                        + " install it (apt-get install nginx-light)"));
    try (DemoStage stage = DemoStage.build(nginx, ownCommand())) {
      Thread hook = Thread.ofPlatform().name("demo-stop").unstarted(() -> close(stage));
      Runtime.getRuntime().addShutdownHook(hook);
      try {
        return play(stage);
      } finally {
        unhook(hook);
      }
    }
  }

  /** This program, as it was started. */
  private static List<String> ownCommand() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    return command;
  }

  private static void close(DemoStage stage) {
    try {
      stage.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + stage.directory(), e);
    }
  }

  private static void unhook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The hook runs already: it closes the stage, and the process ends with it.
      logger.atDebug().log("stopped by a signal");
    }
  }

  private int play(DemoStage stage) throws IOException, InterruptedException {
    Duration length = Duration.ofSeconds(seconds);
    boolean live = !output.isJson() && shell.outWidth().getAsInt() > 0;
    List<DemoTrack> tracks;
    try (DemoPlay play = DemoPlay.start(stage, DemoClient.cast(rate), length, SLOTS)) {
      tracks = play.tracks();
      if (live) {
        draw(tracks, false);
      }
      while (!play.awaitEnd(REDRAW)) {
        if (live) {
          draw(tracks, true);
        }
      }
    }
    List<ListedBan> bans = bans(stage);
    if (output.isJson()) {
      printJson(tracks);
    } else {
      draw(tracks, live);
      printTables(tracks, bans);
    }
    boolean right = tracks.stream().allMatch(DemoCommand::isRight);
    shell.out().flush();
    return right ? ExitCode.DONE : ExitCode.NO;
  }

  /** An attacker must be refused in the end, and nobody else ever. */
  private static boolean isRight(DemoTrack track) {
    DemoTrack.Result result = track.result();
    return result.failed() == 0 && track.client().hostile() == result.refused() > 0;
  }

  private static List<ListedBan> bans(DemoStage stage) {
    try (GrpcBanOperations operations =
        new GrpcBanOperations(new AdminClient(new AdminEndpoint.Socket(stage.adminSocket())))) {
      return operations.list(null, DemoClient.cast(1).size(), "").entries();
    }
  }

  private void draw(List<DemoTrack> tracks, boolean again) {
    PrintStream out = shell.out();
    Style style = Style.of(shell);
    if (again) {
      out.print("\u001b[" + (tracks.size() + 1) + "A");
    }
    out.println(
        style.faint(" ".repeat(NAME_COLUMNS) + "# answered  x refused  % both, " + seconds + " s"));
    for (DemoTrack track : tracks) {
      String name = ("%-" + NAME_COLUMNS + "s").formatted(track.client().name());
      String line =
          track
              .line()
              .codePoints()
              .mapToObj(Character::toString)
              .map(mark -> coloured(style, mark))
              .reduce("", String::concat);
      out.println(name + line);
    }
    out.flush();
  }

  private static String coloured(Style style, String mark) {
    return switch (mark) {
      case "#" -> style.green(mark);
      case "x" -> style.red(mark);
      case "%" -> style.yellow(mark);
      default -> style.faint(mark);
    };
  }

  private void printTables(List<DemoTrack> tracks, List<ListedBan> bans) {
    shell.out().println();
    Table clients =
        Table.on(
            shell,
            Column.text("CLIENT"),
            Column.text("ADDRESS"),
            Column.text("JUDGED BY"),
            Column.number("ANSWERED"),
            Column.number("REFUSED"),
            Column.text("FIRST REFUSED AFTER"));
    for (DemoTrack track : tracks) {
      DemoTrack.Result result = track.result();
      clients.row(
          track.client().name(),
          track.client().address(),
          judgedBy(track.client()),
          String.valueOf(result.answered()),
          String.valueOf(result.refused()),
          after(result));
    }
    clients.flush();
    shell.out().println();
    Table log = Table.on(shell, Column.text("BANNED"), Column.text("RULE"), Column.number("HITS"));
    bans.forEach(ban ->
        log.row(ban.ban().ip().toString(), ban.ban().rule(), String.valueOf(ban.ban().hits())));
    log.flush();
  }

  private static String judgedBy(DemoClient client) {
    return client.gateway() == DemoClient.Gateway.LOG ? "access log" : "each request";
  }

  private static String after(DemoTrack.Result result) {
    if (result.firstRefusalNanos().isEmpty()) {
      return "never";
    }
    double millis = result.firstRefusalNanos().getAsLong() / 1e6;
    return "%d answers, %.0f ms".formatted(result.beforeRefusal(), millis);
  }

  private void printJson(List<DemoTrack> tracks) {
    JsonLines lines = new JsonLines(shell.out());
    for (DemoTrack track : tracks) {
      DemoTrack.Result result = track.result();
      lines.object(json -> {
        json.writeStringField("client", track.client().name());
        json.writeStringField("ip", track.client().address());
        json.writeStringField(
            "judged_by", track.client().gateway().name().toLowerCase(Locale.ROOT));
        json.writeBooleanField("hostile", track.client().hostile());
        json.writeNumberField("answered", result.answered());
        json.writeNumberField("refused", result.refused());
        json.writeNumberField("failed", result.failed());
        json.writeNumberField("answered_before_refusal", result.beforeRefusal());
        if (result.firstRefusalNanos().isPresent()) {
          json.writeNumberField(
              "first_refusal_seconds", result.firstRefusalNanos().getAsLong() / 1e9);
        } else {
          json.writeNullField("first_refusal_seconds");
        }
      });
    }
  }
}
