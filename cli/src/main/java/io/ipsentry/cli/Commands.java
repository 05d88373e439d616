package io.ipsentry.cli;

import io.ipsentry.net.InvalidAddressException;
import io.ipsentry.net.IpPrefix;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * All commands by name, and how one is run.
 *
 * <p>Only the command that is named is constructed, so that a quick one does not pay for the
 * classes of the others.
 */
final class Commands {
  private static final Map<String, Function<Shell, Object>> BY_NAME = byName();

  private Commands() {}

  private static Map<String, Function<Shell, Object>> byName() {
    Map<String, Function<Shell, Object>> commands = new LinkedHashMap<>();
    commands.put("run", RunCommand::new);
    commands.put("watcher", WatcherCommand::new);
    commands.put("authz-server", AuthzServerCommand::new);
    commands.put("enforcer", EnforcerCommand::new);
    commands.put("agent", AgentCommand::new);
    commands.put("replay", ReplayCommand::new);
    commands.put("explain", ExplainCommand::new);
    commands.put("ban", BanCommand::new);
    commands.put("unban", UnbanCommand::new);
    commands.put("allow", AllowCommand::new);
    commands.put("disallow", DisallowCommand::new);
    commands.put("list", ListCommand::new);
    commands.put("get", GetCommand::new);
    commands.put("history", HistoryCommand::new);
    commands.put("watch", WatchCommand::new);
    commands.put("status", StatusCommand::new);
    commands.put("export", ExportCommand::new);
    commands.put("check-config", CheckConfigCommand::new);
    commands.put("packs", PacksCommand::new);
    commands.put("import", ImportCommand::new);
    commands.put("doctor", DoctorCommand::new);
    commands.put("demo", DemoCommand::new);
    commands.put("completion", CompletionCommand::new);
    return commands;
  }

  /** The program itself. */
  @Command(
      name = "ip-sentry",
      header = "Bans abusive clients from what access logs tell.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class,
      synopsisSubcommandLabel = "COMMAND",
      commandListHeading = "%nCommands:%n",
      footer = {
        "",
        "Every command explains itself: ip-sentry COMMAND --help",
        "",
        "Exit codes: 0 done; 1 the answer is no (refused, not banned, configuration invalid);",
        "2 wrong use; 3 something could not be reached, read or written."
      })
  static final class Root implements Runnable {
    @CommandLine.Spec private @Nullable CommandSpec spec;

    @Override
    public void run() {
      throw missingCommand(spec, "which command?");
    }
  }

  /** What to throw when a command was named without the one below it. */
  static ParameterException missingCommand(@Nullable CommandSpec spec, String question) {
    return new ParameterException(Objects.requireNonNull(spec).commandLine(), question);
  }

  /** Runs a command line and returns its exit code; never throws. */
  static int run(String[] args, Shell shell) {
    return commandLine(args, shell).execute(args);
  }

  /** The program with every command, for help and completion. */
  static CommandLine all(Shell shell) {
    CommandLine program = new CommandLine(new Root());
    BY_NAME.forEach((name, command) -> program.addSubcommand(name, command.apply(shell)));
    return prepare(program, shell, false);
  }

  private static CommandLine commandLine(String[] args, Shell shell) {
    boolean debug = Arrays.asList(args).contains("--debug");
    String first = args.length == 0 ? "" : args[0];
    Function<Shell, Object> command = BY_NAME.get(first);
    CommandLine program = new CommandLine(new Root());
    if (command != null) {
      program.addSubcommand(first, command.apply(shell));
    } else if (!first.equals("--version") && !first.equals("-V")) {
      BY_NAME.forEach((name, other) -> program.addSubcommand(name, other.apply(shell)));
    }
    return prepare(program, shell, debug);
  }

  private static CommandLine prepare(CommandLine program, Shell shell, boolean debug) {
    Ansi ansi = shell.isColoured() ? Ansi.ON : Ansi.OFF;
    int width = shell.outWidth().getAsInt();
    return program
        .setOut(new PrintWriter(shell.out(), true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(shell.err(), true, StandardCharsets.UTF_8))
        .setColorScheme(CommandLine.Help.defaultColorScheme(ansi))
        .setUsageHelpWidth(Math.clamp(width == 0 ? 100 : width, 60, 100))
        .setUsageHelpLongOptionsMaxWidth(26)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setAbbreviatedOptionsAllowed(false)
        .registerConverter(IpPrefix.class, text -> address(text, shell))
        .setParameterExceptionHandler((wrong, args) -> usageError(wrong, shell))
        .setExecutionExceptionHandler(
            (failure, line, parsed) -> Failures.exitCode(failure, shell, debug));
  }

  /**
   * Reads an address; says it when bits behind the prefix length were given, which are not kept.
   */
  private static IpPrefix address(String text, Shell shell) {
    try {
      IpPrefix prefix = IpPrefix.parse(text);
      int slash = text.indexOf('/');
      if (slash > 0) {
        IpPrefix first = IpPrefix.parse(text.substring(0, slash));
        if (first.hi() != prefix.hi() || first.lo() != prefix.lo()) {
          Failures.say(shell, "note: " + text + " is read as " + prefix);
        }
      }
      return prefix;
    } catch (InvalidAddressException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }

  private static int usageError(ParameterException wrong, Shell shell) {
    CommandLine line = wrong.getCommandLine();
    StringBuilder message = new StringBuilder(Printable.of(String.valueOf(wrong.getMessage())));
    if (wrong instanceof UnmatchedArgumentException unmatched && line.getParent() == null) {
      var suggestions = unmatched.getSuggestions();
      if (!suggestions.isEmpty()) {
        message.append("; did you mean ").append(String.join(" or ", suggestions)).append('?');
      }
    }
    String name = line.getCommandSpec().qualifiedName();
    Failures.say(shell, name + ": " + message + "; see " + name + " --help");
    return ExitCode.USAGE;
  }
}
